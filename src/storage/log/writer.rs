//! The writer: the only code that writes to segments.
//!
//! It writes whole blocks, past the page cache where the file system permits it. A block that was
//! partly filled is written again with the next batch.
//!
//! Invariants:
//! * Bytes before `durable` are synced; `durable <= end`, and what is written before `end` are the
//!   same bytes again.
//! * Zeros follow the last record, at least [`BLANK_BYTES`] or up to the end of the segment.
//! * A batch is written only after the previous one was synced. A record with `synced` beyond an
//!   offset therefore proves that everything before the offset was durable; recovery relies on it.
//! * The writer moves to the next segment only after it has synced the seal of the current one; the
//!   next one begins with a head.
//! * After a failed write or sync, nothing more is written.

use std::sync::Arc;

use super::Counters;
use super::index::Position;
use super::prepare::Preparer;
use super::queue::{Done, Job, Work};
use super::record::{self, Kind, Record};
use super::segment::{self, Segment};
use super::types::Head;
use super::types::{Entry, STATE_BYTES_MAX};
use super::view::{Held, View};
use crate::env::{BLOCK_BYTES, Blocks};
use crate::error::Fatal;
use crate::storage::disk_error;

/// Maximum size of one write. A larger one would gain nothing, and its buffer stays allocated.
const WRITE_BYTES_MAX: usize = 8 << 20;

/// Room that is kept free after every record in a segment: for one more vote or commit record,
/// since both may be in one batch, and for the seal.
pub(crate) const CONTROL_KEPT_BYTES: u64 = record::size_of(STATE_BYTES_MAX) + record::size_of(0);

/// Zeros behind the last record: a header's worth, so that they are recognized as the end even if
/// remains of an older segment follow.
pub(crate) const BLANK_BYTES: u64 = record::HEADER_BYTES as u64;

/// A change that readers see once its batch is durable.
enum Effect {
    Wrote { index: u64, position: Position, epoch: u64 },
    Truncated { from: u64 },
    Entered(Arc<Segment>),
}

pub(crate) struct Writer {
    segment: Arc<Segment>,
    end: u64,
    durable: u64,
    /// The state after all records so far, including buffered ones.
    head: Head,
    /// The block that contains `end`, filled up to there, and the encoded records that follow.
    buffer: Blocks,
    effects: Vec<Effect>,
    finished: Vec<Done>,
    /// Whether no record states yet that the last batch was synced.
    needs_marker: bool,
    /// Bytes at the end of a segment that are reserved for records other than entries.
    reserve_bytes: u64,
}

/// The outcome of writing a batch of jobs.
pub(crate) struct Outcome {
    /// Jobs that have to wait for room.
    pub waiting: Vec<Job>,
    pub finished: Vec<Done>,
    pub result: Result<(), Fatal>,
}

/// The result of the attempt to place a job's records.
enum Placed {
    Whole,
    /// There was no room; the job with its remaining entries.
    Stalled(Job),
}

/// Whether a record may use the reserve at the end of a segment.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    Entry,
    Control,
}

impl Writer {
    /// Continues after `end` of a segment whose records are all durable. `block` has the bytes
    /// before `end` that are in the same block. If `end` is the start of the segment, the head is
    /// written first.
    pub(crate) fn new(
        segment: Arc<Segment>,
        end: u64,
        block: &[u8],
        head: Head,
        reserve_bytes: u64,
    ) -> Writer {
        assert!(reserve_bytes >= CONTROL_KEPT_BYTES, "the reserve has room for a state and a seal");
        let needs_marker = end > segment::HEADER_BYTES;
        let (buffer, effects, finished) = (Blocks::default(), Vec::new(), Vec::new());
        let durable = end;
        let mut writer =
            Writer { segment, end, durable, head, buffer, effects, finished, needs_marker, reserve_bytes };
        writer.begin_block(block);
        if end == segment::HEADER_BYTES {
            writer.put_head();
        }
        writer
    }

    /// Begins to write in a segment, whose block at `end` is filled with `block` up to there.
    fn begin_block(&mut self, block: &[u8]) {
        assert_eq!(block.len(), self.in_block(), "the bytes before the end of the log");
        assert!(self.segment.bytes.is_multiple_of(BLOCK_BYTES as u64), "a segment has whole blocks");
        self.buffer.keep(0..0, 2 * WRITE_BYTES_MAX);
        self.buffer.extend(block);
    }

    /// The number of bytes before `end` in its block.
    fn in_block(&self) -> usize {
        (self.end % BLOCK_BYTES as u64) as usize
    }

    /// The number of bytes that are not written yet.
    fn pending(&self) -> usize {
        self.buffer.len() - self.in_block()
    }

    /// Bytes of entries that still fit into the active segment.
    pub(crate) fn free(&self) -> u64 {
        self.segment.bytes.saturating_sub(self.reserve_bytes + self.offset())
    }

    /// Writes jobs and, if none of them has to wait, a commit record. This takes one write and one
    /// sync if all records fit into one segment.
    pub(crate) fn commit(
        &mut self,
        jobs: impl IntoIterator<Item = Job>,
        committed: &mut Option<Vec<u8>>,
        preparer: &Preparer,
        counters: &Counters,
    ) -> Outcome {
        let mut waiting = Vec::new();
        let mut result = Ok(());
        for job in jobs {
            if result.is_err() || (!waiting.is_empty() && !job.may_overtake(self.head.last)) {
                waiting.push(job);
                continue;
            }
            match self.place(job, preparer, counters) {
                Ok(Placed::Whole) => {}
                Ok(Placed::Stalled(job)) => waiting.push(job),
                Err((error, job)) => {
                    result = Err(error);
                    waiting.extend(job);
                }
            }
        }
        if result.is_ok() {
            if waiting.is_empty()
                && self.room(0, Class::Control)
                && let Some(state) = committed.take()
            {
                self.put(Kind::Committed, 0, 0, &state);
                self.head.committed = Some(state);
            }
            result = self.flush(counters);
        }
        Outcome { waiting, finished: std::mem::take(&mut self.finished), result }
    }

    fn place(
        &mut self,
        job: Job,
        preparer: &Preparer,
        counters: &Counters,
    ) -> Result<Placed, (Fatal, Option<Job>)> {
        let Job { mut work, done } = job;
        let enough = match &mut work {
            Work::Entries { entries, epoch } => self.place_entries(entries, *epoch, preparer, counters),
            control => self.enter_room(control.control_bytes(), Class::Control, preparer, counters).inspect(
                |enough| {
                    if *enough {
                        self.put_control(control);
                    }
                },
            ),
        };
        match enough {
            Ok(true) => {
                self.finished.push(done);
                Ok(Placed::Whole)
            }
            Ok(false) => Ok(Placed::Stalled(Job { work, done })),
            Err(error) => Err((error, Some(Job { work, done }))),
        }
    }

    /// Places the entries of `entries` one by one and removes each from the front. Returns `false`
    /// if there is no room for the remaining ones.
    fn place_entries(
        &mut self,
        entries: &mut std::collections::VecDeque<Entry>,
        epoch: u64,
        preparer: &Preparer,
        counters: &Counters,
    ) -> Result<bool, Fatal> {
        while let Some(entry) = entries.front() {
            if !self.enter_room(record::size_of(entry.payload.len()), Class::Entry, preparer, counters)? {
                return Ok(false);
            }
            let Some(Entry { index, term, payload }) = entries.pop_front() else { break };
            let position = Position { segment: self.segment.sequence as u32, offset: self.offset() as u32 };
            self.put(Kind::Entry, index, term, &payload);
            self.head.last = Some((index, term));
            self.effects.push(Effect::Wrote { index, position, epoch });
            if self.pending() >= WRITE_BYTES_MAX {
                self.flush(counters)?;
            }
        }
        Ok(true)
    }

    fn put_control(&mut self, work: &Work) {
        match work {
            Work::Vote(vote) => {
                self.put(Kind::Vote, 0, 0, vote);
                self.head.vote = Some(vote.clone());
            }
            Work::Truncate { from, last } => {
                // The record contains the end of the log after the truncation, with its term,
                // because the segment with that entry may be purged before the record is read.
                let last_bytes = last.map(|(index, term)| [index.to_le_bytes(), term.to_le_bytes()].concat());
                self.put(Kind::Truncate, *from, 0, &last_bytes.unwrap_or_default());
                self.head.last = *last;
                self.effects.push(Effect::Truncated { from: *from });
            }
            Work::Purge(position) => {
                self.put(Kind::Purge, position.0, position.1, &[]);
                self.head.purged = Some(*position);
                self.head.last = self.head.last.max(Some(*position));
            }
            Work::Entries { .. } => unreachable!("entries are placed by `place_entries`"),
        }
    }

    fn offset(&self) -> u64 {
        self.end + self.pending() as u64
    }

    /// Whether a record of this size and a seal after it fit into the active segment.
    fn room(&self, bytes: u64, class: Class) -> bool {
        let kept = match class {
            Class::Entry => self.reserve_bytes,
            Class::Control => CONTROL_KEPT_BYTES,
        };
        self.offset() + bytes + kept <= self.segment.bytes
    }

    /// Ensures that the record fits, by moving to the next segment if necessary. Returns `false` if
    /// the next segment is not prepared.
    fn enter_room(
        &mut self,
        bytes: u64,
        class: Class,
        preparer: &Preparer,
        counters: &Counters,
    ) -> Result<bool, Fatal> {
        if self.room(bytes, class) {
            return Ok(true);
        }
        let Some(next) = preparer.take(bytes) else { return Ok(false) };
        assert_eq!(next.sequence, self.segment.sequence + 1, "segments follow each other");
        self.put(Kind::Seal, 0, 0, &[]);
        self.flush(counters)?;
        self.segment = next;
        (self.end, self.durable) = (segment::HEADER_BYTES, segment::HEADER_BYTES);
        let header = self.segment.header;
        self.begin_block(&header);
        self.effects.push(Effect::Entered(self.segment.clone()));
        self.put_head();
        assert!(self.room(bytes, class), "a prepared segment has room for the record");
        Ok(true)
    }

    fn put_head(&mut self) {
        assert_eq!(self.offset(), segment::HEADER_BYTES, "the head is the first record");
        let head = self.head.encode();
        self.put(Kind::Head, 0, 0, &head);
    }

    fn put(&mut self, kind: Kind, index: u64, term: u64, payload: &[u8]) {
        let record = Record { kind, index, term, synced: self.durable as u32, payload };
        let (salt, offset) = (self.segment.salt(), self.offset());
        self.buffer.append(record.size() as usize, |buffer| record::encode(buffer, salt, offset, record));
        assert!(self.offset() <= self.segment.bytes, "a record ends within its segment");
    }

    fn write(&mut self, counters: &Counters) -> Result<(), Fatal> {
        let (block, end) = (self.end - self.in_block() as u64, self.offset());
        let blank = (end + BLANK_BYTES).next_multiple_of(BLOCK_BYTES as u64).min(self.segment.bytes);
        self.buffer.pad_to((blank - block) as usize);
        let written = self.segment.writes.write_all_at(self.buffer.as_slice(), block);
        written.map_err(disk_error(&self.segment.path, "writing"))?;
        counters.wrote((end - self.end) as usize);
        self.end = end;
        let filled = (end - block) as usize;
        self.buffer.keep(filled - self.in_block()..filled, 2 * WRITE_BYTES_MAX);
        Ok(())
    }

    fn flush(&mut self, counters: &Counters) -> Result<(), Fatal> {
        if self.pending() == 0 {
            return Ok(());
        }
        self.write(counters)?;
        self.sync(counters)?;
        self.needs_marker = true;
        Ok(())
    }

    fn sync(&mut self, counters: &Counters) -> Result<(), Fatal> {
        let file = &self.segment.writes;
        counters.sync(|| file.sync_data()).map_err(disk_error(&self.segment.path, "syncing"))?;
        self.durable = self.end;
        Ok(())
    }

    /// Writes the newest commit record, or a sync marker if there is none, without a sync. Both
    /// state that the last batch was synced.
    pub(crate) fn write_marker(
        &mut self,
        committed: &mut Option<Vec<u8>>,
        counters: &Counters,
    ) -> Result<(), Fatal> {
        let needs_marker = self.needs_marker || committed.is_some();
        if !needs_marker || !self.room(record::size_of(0), Class::Control) {
            return Ok(());
        }
        match committed.take() {
            Some(state) => {
                self.put(Kind::Committed, 0, 0, &state);
                self.head.committed = Some(state);
            }
            None => self.put(Kind::SyncMarker, 0, 0, &[]),
        }
        self.write(counters)?;
        self.needs_marker = false;
        Ok(())
    }

    /// Writes the marker for the last batch and syncs it.
    pub(crate) fn finish(
        &mut self,
        committed: &mut Option<Vec<u8>>,
        counters: &Counters,
    ) -> Result<(), Fatal> {
        self.flush(counters)?;
        self.write_marker(committed, counters)?;
        self.sync(counters)
    }

    /// Makes durable changes visible to readers.
    pub(crate) fn publish(&mut self, view: &mut View) {
        assert_eq!(self.pending(), 0, "effects are published after their records are durable");
        for effect in self.effects.drain(..) {
            match effect {
                Effect::Wrote { index, position, epoch } => view.set_written(index, position, epoch),
                Effect::Truncated { from } => view.set_truncated(from),
                Effect::Entered(segment) => {
                    view.segments.insert(segment.sequence as u32, Held { segment, last: None });
                }
            }
        }
    }
}
