//! The position of each entry on disk, in eight bytes per entry.
//!
//! Invariants:
//! * There is a position for every index in `first .. first + len`, and positions ascend with the
//!   index.
//! * `first` is not below `floor`, the index after the last purged entry.

use std::collections::VecDeque;

/// The segment and the offset in it, 32 bits each. 2^32 segments of 64 MiB are 256 PiB, and a
/// segment is smaller than 4 GiB.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Position {
    pub segment: u32,
    pub offset: u32,
}

#[derive(Debug, Default)]
pub(crate) struct Index {
    first: u64,
    floor: u64,
    positions: VecDeque<Position>,
}

impl Index {
    /// The index after the last entry, or the next index if there is no entry.
    pub(crate) fn end(&self) -> u64 {
        self.first + self.positions.len() as u64
    }

    pub(crate) fn first(&self) -> Option<u64> {
        (!self.positions.is_empty()).then_some(self.first)
    }

    /// Adds the position of the entry after the last one; if there is no entry, of any entry. A
    /// purged entry is ignored: it may be purged before it is written.
    ///
    /// # Panics
    /// If there is a gap between the last index and this one.
    pub(crate) fn push(&mut self, index: u64, position: Position) {
        if index < self.floor {
            return;
        }
        if self.positions.is_empty() {
            self.first = index;
        }
        assert_eq!(index, self.end(), "entries are written in order without a gap");
        assert!(self.positions.back().is_none_or(|last| *last < position), "positions ascend");
        self.positions.push_back(position);
    }

    pub(crate) fn get(&self, index: u64) -> Option<Position> {
        self.positions.get(usize::try_from(index.checked_sub(self.first)?).ok()?).copied()
    }

    /// Removes the positions of all entries from `from` on.
    pub(crate) fn truncate_from(&mut self, from: u64) {
        let keep = from.saturating_sub(self.first);
        self.positions.truncate(usize::try_from(keep).unwrap_or(usize::MAX));
    }

    /// Removes the positions of all entries up to `last`.
    pub(crate) fn purge_up_to(&mut self, last: u64) {
        let gone = (last + 1).saturating_sub(self.first).min(self.positions.len() as u64);
        self.positions.drain(..gone as usize);
        self.floor = self.floor.max(last + 1);
        self.first = self.first.max(self.floor);
        // Releases memory only if it belonged to a very large number of purged entries.
        if self.positions.capacity() > 4 * self.positions.len() + (1 << 16) {
            self.positions.shrink_to(2 * self.positions.len());
        }
    }
}

/// The term of each index, stored as runs of equal terms. A term lasts as long as its leader, so
/// there are few runs.
///
/// Invariants:
/// * Runs ascend in index and in term; each ends where the next one begins.
#[derive(Debug, Default)]
pub(crate) struct Terms {
    /// The first index and the term of each run.
    runs: VecDeque<(u64, u64)>,
}

impl Terms {
    /// Records the term of `index`, which is greater than all indexes so far. If the term is lower
    /// than the last one, returns `false` and changes nothing.
    #[must_use]
    pub(crate) fn push(&mut self, index: u64, term: u64) -> bool {
        match self.runs.back() {
            Some((_, last)) if term < *last => return false,
            Some((_, last)) if term == *last => {}
            _ => self.runs.push_back((index, term)),
        }
        true
    }

    /// The term of an index that the caller knows to be present.
    pub(crate) fn get(&self, index: u64) -> Option<u64> {
        let after = self.runs.partition_point(|(first, _)| *first <= index);
        Some(self.runs.get(after.checked_sub(1)?)?.1)
    }

    pub(crate) fn truncate_from(&mut self, from: u64) {
        while self.runs.back().is_some_and(|(first, _)| *first >= from) {
            self.runs.pop_back();
        }
    }

    /// Forgets the terms of all entries before `first`.
    pub(crate) fn purge_before(&mut self, first: u64) {
        while self.runs.get(1).is_some_and(|(second, _)| *second <= first) {
            self.runs.pop_front();
        }
    }

    pub(crate) fn clear(&mut self) {
        self.runs.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(offset: u32) -> Position {
        Position { segment: 1, offset }
    }

    #[test]
    fn positions_survive_truncation_and_purge() {
        let mut index = Index::default();
        for i in 1..=10 {
            index.push(i, at(i as u32 * 8));
        }
        index.truncate_from(9);
        index.purge_up_to(3);
        assert_eq!((index.first(), index.end()), (Some(4), 9));
        assert_eq!((index.get(3), index.get(4), index.get(9)), (None, Some(at(32)), None));
        index.push(9, at(800));
        assert_eq!(index.get(9), Some(at(800)));
    }

    #[test]
    fn a_purge_beyond_the_end_moves_the_start() {
        let mut index = Index::default();
        index.push(1, at(8));
        index.purge_up_to(50);
        index.push(2, at(16));
        assert_eq!((index.first(), index.end()), (None, 51));
        index.push(51, at(24));
        assert_eq!(index.first(), Some(51));
    }

    #[test]
    #[should_panic(expected = "without a gap")]
    fn a_gap_panics() {
        let mut index = Index::default();
        index.push(1, at(8));
        index.push(3, at(16));
    }

    #[test]
    fn terms_are_runs() {
        let mut terms = Terms::default();
        for (index, term) in [(1, 1), (2, 1), (3, 2), (4, 5), (5, 5)] {
            assert!(terms.push(index, term));
        }
        assert!(!terms.push(6, 4));
        assert_eq!(terms.runs.len(), 3);
        assert_eq!([1, 2, 3, 4, 5].map(|i| terms.get(i).unwrap()), [1, 1, 2, 5, 5]);
        terms.truncate_from(4);
        assert_eq!(terms.get(4), Some(2));
        terms.purge_before(3);
        assert_eq!((terms.runs.len(), terms.get(2)), (1, None));
    }
}
