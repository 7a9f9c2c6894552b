//! The newest entries, in memory: entries that are not written yet, which exist nowhere else, and
//! as many written ones before them as fit.
//!
//! Invariants:
//! * The entries are contiguous and end with the last entry of the log.
//! * An entry leaves only when it is written, truncated or purged.
//! * Written entries are kept while all entries together have at most `bytes_max` payload bytes.

use std::collections::VecDeque;

use super::types::Entry;

/// Approximate memory for an entry apart from its payload. Without it, small entries could take
/// many times the limit.
const ENTRY_OVERHEAD_BYTES: usize = 64;

#[derive(Debug)]
pub(crate) struct Cache {
    entries: VecDeque<Entry>,
    bytes: usize,
    bytes_max: usize,
    /// The index after the last entry that has been written to its segment.
    written_end: u64,
}

impl Cache {
    pub(crate) fn new(bytes_max: usize) -> Cache {
        Cache { entries: VecDeque::new(), bytes: 0, bytes_max, written_end: 0 }
    }

    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(crate) fn push(&mut self, entry: Entry) {
        assert!(
            self.entries.back().is_none_or(|last| last.index + 1 == entry.index),
            "entries are contiguous"
        );
        self.bytes += cost(&entry);
        self.entries.push_back(entry);
        self.evict();
    }

    /// The entries from `index` on; `None` if the entry at `index` is not in the cache.
    pub(crate) fn from(&self, index: u64) -> Option<impl Iterator<Item = &Entry>> {
        let skip = index.checked_sub(self.entries.front()?.index)?;
        let skip = usize::try_from(skip).ok().filter(|skip| *skip < self.entries.len())?;
        Some(self.entries.range(skip..))
    }

    /// The first cached index.
    pub(crate) fn first(&self) -> Option<u64> {
        self.entries.front().map(|entry| entry.index)
    }

    /// Records that all entries up to `index` have been written to their segments.
    pub(crate) fn set_written(&mut self, index: u64) {
        self.written_end = self.written_end.max(index + 1);
        self.evict();
    }

    pub(crate) fn truncate_from(&mut self, from: u64) {
        while self.entries.back().is_some_and(|entry| entry.index >= from) {
            self.bytes -= self.entries.pop_back().as_ref().map_or(0, cost);
        }
        self.written_end = self.written_end.min(from);
    }

    pub(crate) fn purge_up_to(&mut self, last: u64) {
        while self.entries.front().is_some_and(|entry| entry.index <= last) {
            self.drop_first();
        }
    }

    fn evict(&mut self) {
        while self.bytes > self.bytes_max
            && self.entries.front().is_some_and(|first| first.index < self.written_end)
        {
            self.drop_first();
        }
    }

    fn drop_first(&mut self) {
        self.bytes -= self.entries.pop_front().as_ref().map_or(0, cost);
        assert!(!self.entries.is_empty() || self.bytes == 0, "the count of cached bytes is wrong");
    }
}

fn cost(entry: &Entry) -> usize {
    entry.payload.len() + ENTRY_OVERHEAD_BYTES
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    fn entry(index: u64) -> Entry {
        Entry { index, term: 1, payload: Bytes::from_static(&[0; 36]) }
    }

    #[test]
    fn unwritten_entries_stay_however_many() {
        let mut cache = Cache::new(250);
        (1..=10).for_each(|index| cache.push(entry(index)));
        assert_eq!((cache.first(), cache.bytes()), (Some(1), 1000));
        cache.set_written(5);
        assert_eq!(cache.first(), Some(6));
        cache.set_written(10);
        assert_eq!((cache.first(), cache.bytes()), (Some(9), 200));
        assert!(cache.from(8).is_none() && cache.from(11).is_none());
        assert_eq!(cache.from(10).unwrap().count(), 1);
    }

    #[test]
    fn the_replacement_of_a_truncated_entry_is_unwritten() {
        let mut cache = Cache::new(100);
        (1..=3).for_each(|index| cache.push(entry(index)));
        cache.set_written(3);
        cache.truncate_from(2);
        (2..=4).for_each(|index| cache.push(entry(index)));
        assert_eq!(cache.first(), Some(2));
        cache.purge_up_to(9);
        assert_eq!((cache.first(), cache.bytes()), (None, 0));
    }
}
