//! Rebuilds the view of a log by applying its records in order.
//!
//! Invariants:
//! * Every record is checked against all earlier ones; the first one that contradicts them is
//!   reported and not applied.

use std::path::Path;
use std::sync::Arc;

use super::index::Position;
use super::record::{Kind, Record, u64_at};
use super::segment::{self, Segment};
use super::types::Head;
use super::types::LogPosition;
use super::view::{Held, View};
use crate::error::Fatal;

pub(crate) struct Replay {
    pub view: View,
    pub head: Head,
    /// The number of the oldest segment. Only its head describes what was in the segments before
    /// it.
    pub oldest: u64,
    segment: u32,
}

impl Replay {
    pub(crate) fn new(view: View, oldest: u64) -> Replay {
        Replay { view, head: Head::default(), oldest, segment: 0 }
    }

    /// Begins the records of this segment.
    pub(crate) fn enter(&mut self, segment: &Arc<Segment>) {
        self.segment = segment.sequence as u32;
        self.view.segments.insert(self.segment, Held { segment: segment.clone(), last: None });
    }

    /// Applies the record at `offset`, or returns the reason why it cannot follow the earlier ones.
    pub(crate) fn apply(&mut self, offset: u64, record: &Record<'_>) -> Result<(), String> {
        let first = offset == segment::HEADER_BYTES;
        if first != (record.kind == Kind::Head) {
            return Err("a segment has a head as its first record and nowhere else".to_owned());
        }
        match record.kind {
            Kind::Head => self.apply_head(record.payload)?,
            Kind::Entry => self.apply_entry(offset, (record.index, record.term))?,
            Kind::Vote => self.head.vote = Some(record.payload.to_vec()),
            Kind::Committed => self.head.committed = Some(record.payload.to_vec()),
            Kind::Truncate => self.apply_truncate(record)?,
            Kind::Purge => self.view.purge_up_to((record.index, record.term)),
            Kind::Seal | Kind::SyncMarker => {}
        }
        self.head.purged = self.view.purged;
        self.head.last = self.view.last;
        Ok(())
    }

    fn apply_head(&mut self, payload: &[u8]) -> Result<(), String> {
        let head = Head::decode(payload).ok_or("the head of a segment cannot be read")?;
        if u64::from(self.segment) != self.oldest {
            let same = head == self.head;
            return if same { Ok(()) } else { Err("the head contradicts the segments before it".to_owned()) };
        }
        if let Some(purged) = head.purged {
            self.view.purge_up_to(purged);
        }
        if let Some(last) = head.last {
            self.adopt_last(last)?;
        }
        self.head = head;
        Ok(())
    }

    /// Sets the end of the log from a record that names its last entry.
    fn adopt_last(&mut self, last: LogPosition) -> Result<(), String> {
        self.view.last = Some(last);
        if self.view.terms.get(last.0).is_none_or(|term| term != last.1)
            && !self.view.terms.push(last.0, last.1)
        {
            return Err("the term is lower than the one before".to_owned());
        }
        Ok(())
    }

    fn apply_entry(&mut self, offset: u64, (index, term): LogPosition) -> Result<(), String> {
        if let Some((last, _)) = self.view.last
            && index != last + 1
        {
            return Err(format!("entry {index} follows entry {last}"));
        }
        if !self.view.terms.push(index, term) {
            return Err(format!("entry {index} has an older term than the one before it"));
        }
        self.view.last = Some((index, term));
        let position = Position { segment: self.segment, offset: offset as u32 };
        self.view.set_written(index, position, self.view.epoch);
        Ok(())
    }

    fn apply_truncate(&mut self, record: &Record<'_>) -> Result<(), String> {
        let from = record.index;
        if self.view.purged.is_some_and(|(purged, _)| from <= purged) {
            return Err(format!("a truncation from {from}, which is already purged"));
        }
        let last = match record.payload.len() {
            0 => None,
            16 => Some((u64_at(record.payload, 0), u64_at(record.payload, 8))),
            other => return Err(format!("a truncation record with a payload of {other} bytes")),
        };
        if let Some((index, _)) = last
            && index + 1 != from
        {
            return Err(format!("a truncation from {from} after which the log ends at {index}"));
        }
        self.view.truncate_from(from);
        self.view.set_truncated(from);
        self.view.last = None;
        last.map_or(Ok(()), |last| self.adopt_last(last))
    }

    /// Checks, after the last record, that no entry is missing from the log except purged ones.
    pub(crate) fn check(&self, dir: &Path) -> Result<(), Fatal> {
        let View { index, last, purged, .. } = &self.view;
        let complete = match (purged, last) {
            (Some((purged, _)), Some((last, _))) if last == purged => index.first().is_none(),
            (Some((purged, _)), Some((last, _))) => {
                index.first() == Some(purged + 1) && index.end() == last + 1
            }
            (None, Some((last, _))) => self.oldest == 1 && index.end() == last + 1,
            (_, None) => index.first().is_none(),
        };
        if complete {
            return Ok(());
        }
        let reason =
            format!("the log should go from {purged:?} to {last:?}, but segments before it are missing");
        Err(Fatal::Directory { path: dir.to_owned(), reason })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_truncation_that_contradicts_itself_is_reported() {
        let mut replay = Replay::new(View::new(1 << 10), 1);
        let mut offset = segment::HEADER_BYTES;
        let mut apply = |kind, index, payload: &[u8]| {
            let term = u64::from(kind == Kind::Entry);
            let applied = replay.apply(offset, &Record { kind, index, term, synced: 0, payload });
            offset += 64;
            applied
        };
        apply(Kind::Head, 0, &Head::default().encode()).expect("a segment begins with its head");
        (0..4).for_each(|index| apply(Kind::Entry, index, b"payload").expect("entries follow each other"));
        let ends_at_1 = [1u64.to_le_bytes(), 1u64.to_le_bytes()].concat();
        assert!(apply(Kind::Truncate, 3, &ends_at_1).is_err(), "entry 2 would be missing");
        assert!(apply(Kind::Truncate, 1, &ends_at_1).is_err(), "entry 1 is truncated");
        assert_eq!(apply(Kind::Truncate, 2, &ends_at_1), Ok(()));
        assert_eq!(apply(Kind::Entry, 2, b"another"), Ok(()));
    }
}
