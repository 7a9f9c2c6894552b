//! The log as readers see it: all entries appended so far, written or not.
//!
//! The parts of a view change at two different times. `last`, the terms and the cache change when a
//! caller appends, truncates or purges; the index of positions changes later, when the writer has
//! written that change.
//!
//! Invariants:
//! * Every entry up to `last` is in the cache or in the index; the cache ends with `last` unless it
//!   is empty.
//! * `purged` is before every entry; `last` is never before `purged`.
//! * Entries that were truncated while still queued never count as written: each append carries an
//!   epoch, and a truncation begins a new epoch.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::cache::Cache;
use super::index::{Index, Position, Terms};
use super::segment::Segment;
use super::types::{Entry, LogPosition};

/// A segment in use, and the highest index among its entries, if it has any.
#[derive(Debug)]
pub(crate) struct Held {
    pub segment: Arc<Segment>,
    pub last: Option<u64>,
}

#[derive(Debug)]
pub(crate) struct View {
    pub index: Index,
    pub terms: Terms,
    pub cache: Cache,
    pub last: Option<LogPosition>,
    pub purged: Option<LogPosition>,
    pub epoch: u64,
    pub segments: BTreeMap<u32, Held>,
}

/// The source of the next entries of a read.
pub(crate) enum Source {
    Nowhere,
    Cache(Vec<Entry>),
    Disk(Vec<(u64, Position, Arc<Segment>)>),
}

/// Maximum number of positions looked up at a time. A thousand entries are enough to fill large
/// reads.
const POSITIONS_MAX: u64 = 1024;

impl View {
    pub(crate) fn new(cache_bytes_max: usize) -> View {
        View {
            index: Index::default(),
            terms: Terms::default(),
            cache: Cache::new(cache_bytes_max),
            last: None,
            purged: None,
            epoch: 0,
            segments: BTreeMap::new(),
        }
    }

    /// The index of the first entry; `None` if there is no entry.
    pub(crate) fn first(&self) -> Option<u64> {
        let (last, _) = self.last?;
        let first = match (self.index.first(), self.cache.first()) {
            (Some(a), Some(b)) => a.min(b),
            (a, b) => a.or(b)?,
        };
        (first <= last).then_some(first)
    }

    /// Makes entries visible.
    ///
    /// # Panics
    /// If the entries do not follow the last one, or a term is lower than the one before.
    pub(crate) fn append(&mut self, entries: &[Entry]) {
        for entry in entries {
            if let Some((last, _)) = self.last {
                assert_eq!(entry.index, last + 1, "an appended entry must follow the last one");
            }
            assert!(self.terms.push(entry.index, entry.term), "terms in the log never go back");
            self.last = Some((entry.index, entry.term));
            self.cache.push(entry.clone());
        }
    }

    /// Makes all entries from `from` on invisible.
    pub(crate) fn truncate_from(&mut self, from: u64) {
        if let Some((purged, _)) = self.purged {
            assert!(from > purged, "truncating from {from}, but entries up to {purged} are purged");
        }
        let before = from.checked_sub(1).and_then(|index| Some((index, self.term_of(index)?)));
        self.last = before.or(self.purged);
        self.terms.truncate_from(from);
        self.cache.truncate_from(from);
        self.epoch += 1;
    }

    pub(crate) fn purge_up_to(&mut self, purged: LogPosition) {
        if self.purged.is_some_and(|(index, _)| purged.0 <= index) {
            return;
        }
        self.purged = Some(purged);
        self.cache.purge_up_to(purged.0);
        self.index.purge_up_to(purged.0);
        if self.last.is_none_or(|(last, _)| last <= purged.0) {
            self.last = Some(purged);
            self.terms.clear();
            // The terms start over with that of the last purged entry, so that the next entry is
            // checked against it.
            assert!(self.terms.push(purged.0, purged.1), "an empty list accepts any term");
        } else {
            self.terms.purge_before(purged.0);
        }
        assert!(self.last >= self.purged, "the log does not end before its last purged entry");
    }

    pub(crate) fn term_of(&self, index: u64) -> Option<u64> {
        if let Some((purged, term)) = self.purged
            && index <= purged
        {
            return (index == purged).then_some(term);
        }
        let (last, _) = self.last?;
        if index > last { None } else { self.terms.get(index) }
    }

    /// The source (cache or segments) of the entries from `from` to before `to`, for as many of
    /// them as one source has. The cache returns entries until their payloads exceed `bytes_max`.
    pub(crate) fn source(&self, from: u64, to: u64, bytes_max: usize) -> Source {
        let Some((last, _)) = self.last else { return Source::Nowhere };
        let to = to.min(last + 1);
        let from = from.max(self.first().unwrap_or(from));
        if from >= to || self.purged.is_some_and(|(purged, _)| from <= purged) {
            return Source::Nowhere;
        }
        if let Some(cached) = self.cache.from(from) {
            let mut bytes = 0;
            let fits = cached.take_while(|entry| {
                let first = entry.index == from;
                bytes += entry.payload.len();
                entry.index < to && (first || bytes <= bytes_max)
            });
            return Source::Cache(fits.cloned().collect());
        }
        let to = to.min(self.cache.first().unwrap_or(u64::MAX)).min(from + POSITIONS_MAX);
        let found = (from..to).map_while(|index| {
            let position = self.index.get(index)?;
            let held = self.segments.get(&position.segment)?;
            Some((index, position, held.segment.clone()))
        });
        let found: Vec<_> = found.collect();
        if found.is_empty() { Source::Nowhere } else { Source::Disk(found) }
    }

    /// Bytes on disk from the entry at `from` to the last entry. If the entry at `from` is not
    /// present, counts from the first one after it.
    pub(crate) fn bytes_from(&self, from: u64) -> u64 {
        let from = from.max(self.index.first().unwrap_or(from));
        let last = self.index.end().checked_sub(1).and_then(|last| self.index.get(last));
        let (Some(begin), Some(end)) = (self.index.get(from), last) else { return 0 };
        let whole: u64 =
            self.segments.range(begin.segment..end.segment).map(|(_, held)| held.segment.bytes).sum();
        assert!(begin <= end, "positions ascend");
        whole + u64::from(end.offset) - u64::from(begin.offset)
    }

    /// Records the position at which an entry was written.
    pub(crate) fn set_written(&mut self, index: u64, position: Position, epoch: u64) {
        self.index.push(index, position);
        if let Some(held) = self.segments.get_mut(&position.segment) {
            held.last = held.last.max(Some(index));
        }
        if epoch == self.epoch {
            self.cache.set_written(index);
        }
    }

    /// Records that a truncation has been written.
    pub(crate) fn set_truncated(&mut self, from: u64) {
        self.index.truncate_from(from);
        for held in self.segments.values_mut() {
            held.last = held.last.filter(|_| from > 0).map(|last| last.min(from - 1));
        }
    }

    /// Takes out the oldest segment, if it is not the active one and all its entries are purged. No
    /// read can begin on it any more; those that hold it may still continue.
    pub(crate) fn take_purged(&mut self) -> Option<Arc<Segment>> {
        let (_, oldest) = self.segments.first_key_value().filter(|_| self.segments.len() > 1)?;
        if oldest.last > self.purged.map(|(index, _)| index) {
            return None;
        }
        self.segments.pop_first().map(|(_, held)| held.segment)
    }
}
