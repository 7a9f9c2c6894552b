//! Prepares the next segment before it is needed, and manages the room in it.
//!
//! A segment is a purged one that is used again, or a new file that is filled with zeros before any
//! record is written to it. If the disk is full, this fails here, before anything depends on the
//! space, and never in the middle of a record.
//!
//! Invariants:
//! * At most one segment is prepared; its number follows that of the active segment.
//! * There are at most [`SPARES_MAX`] spares, all of the length of a new segment.
//! * `failed` is set exactly while the last attempt failed.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::{Condvar, Mutex};

use super::record;
use super::segment::{self, Directory, SPARES_MAX, Segment};
use super::types::HEAD_BYTES_MAX;
use crate::env::BLOCK_BYTES;
use crate::error::Fatal;

/// Bytes in each segment that entries may not use, so that votes, purges and the like can still be
/// written while the disk is full: enough for about a thousand records, or a quarter of a small
/// segment.
pub(crate) fn reserve_bytes(segment_bytes: u64) -> u64 {
    (segment_bytes / 4).min(64 << 10) / record::ALIGNMENT * record::ALIGNMENT
}

/// Size of a segment with room for one entry of this size, the head, the seal and the reserve.
pub(crate) fn segment_bytes_for(entry_bytes: u64, segment_bytes: u64) -> u64 {
    segment::HEADER_BYTES + record::size_of(HEAD_BYTES_MAX) + entry_bytes + reserve_bytes(segment_bytes)
}

struct Slot {
    next: Option<Segment>,
    sequence: u64,
    /// Purged segments whose files are used again.
    spares: Vec<Segment>,
    failed: Option<String>,
    closing: bool,
}

pub(crate) struct Preparer {
    directory: Directory,
    segment_bytes: u64,
    slot: Mutex<Slot>,
    wake: Condvar,
    /// Set if there is no preparing thread; a caller that needs a segment then prepares it.
    on_demand: bool,
}

impl Preparer {
    /// Creates a preparer that will prepare the segment `sequence`, unless it exists already as
    /// `next`.
    pub(crate) fn new(
        directory: Directory,
        segment_bytes: u64,
        sequence: u64,
        next: Option<Segment>,
        spares: Vec<Segment>,
        on_demand: bool,
    ) -> Preparer {
        assert!(
            next.as_ref().is_none_or(|next| next.sequence == sequence),
            "the prepared segment has the next number"
        );
        let slot = Slot { next, sequence, spares, failed: None, closing: false };
        Preparer { directory, segment_bytes, slot: Mutex::new(slot), wake: Condvar::new(), on_demand }
    }

    /// The loop of the preparing thread: prepares segments until closed, and calls `ready` after
    /// each attempt.
    pub(crate) fn run(&self, retry_after: Duration, ready: impl Fn()) {
        loop {
            let mut slot = self.slot.lock();
            while slot.next.is_some() && !slot.closing {
                self.wake.wait(&mut slot);
            }
            if slot.closing {
                return;
            }
            let (sequence, spare) = (slot.sequence, slot.spares.pop());
            drop(slot);
            let made = self.make(sequence, spare);
            let mut slot = self.slot.lock();
            if self.put(&mut slot, sequence, made) {
                drop(slot);
                ready();
            } else if !slot.closing {
                self.wake.wait_for(&mut slot, retry_after);
            }
        }
    }

    fn make(&self, sequence: u64, spare: Option<Segment>) -> std::io::Result<Segment> {
        match spare {
            Some(spare) => self.directory.reuse(spare, sequence),
            None => self.directory.create(sequence, self.segment_bytes, |_| Vec::new()),
        }
    }

    /// Takes the file of a purged segment that nobody reads, as a spare or to remove it. Durable
    /// when it returns.
    pub(crate) fn retire(&self, segment: Segment) -> Result<(), Fatal> {
        let wanted = segment.bytes == self.segment_bytes && self.slot.lock().spares.len() < SPARES_MAX;
        if !wanted {
            return self.directory.remove(&segment.path);
        }
        let spare = self.directory.retire(segment)?;
        let mut slot = self.slot.lock();
        slot.spares.push(spare);
        assert!(slot.spares.len() <= SPARES_MAX, "one thread at a time retires segments");
        Ok(())
    }

    /// Stores the new segment or the error. Returns whether there is a prepared segment now.
    fn put(&self, slot: &mut Slot, sequence: u64, made: std::io::Result<Segment>) -> bool {
        match made {
            Ok(segment) => {
                assert!(
                    slot.next.is_none() && slot.sequence == sequence,
                    "only one thread prepares segments"
                );
                slot.next = Some(segment);
                slot.failed = None;
                true
            }
            Err(error) => {
                if slot.failed.is_none() {
                    tracing::warn!(path = %self.directory.path.display(), %error, "cannot prepare a segment");
                }
                slot.failed = Some(format!("no room for the next segment of the log: {error}"));
                false
            }
        }
    }

    /// Prepares a segment on the calling thread, if none is prepared.
    pub(crate) fn prepare_now(&self) {
        self.fill(&mut self.slot.lock());
    }

    fn fill(&self, slot: &mut Slot) {
        if slot.next.is_none() && !slot.closing {
            let spare = slot.spares.pop();
            let made = self.make(slot.sequence, spare);
            self.put(slot, slot.sequence, made);
        }
    }

    /// Takes the prepared segment for an entry of this size. `None` if no segment is prepared, or
    /// the disk has no room to lengthen it.
    pub(crate) fn take(&self, entry_bytes: u64) -> Option<Arc<Segment>> {
        let mut slot = self.slot.lock();
        if self.on_demand {
            self.fill(&mut slot);
        }
        self.grow(&mut slot, entry_bytes).ok()?;
        let next = slot.next.take()?;
        slot.sequence = next.sequence + 1;
        self.wake.notify_all();
        Some(Arc::new(next))
    }

    /// Whether an entry of this size will find room once the active segment is full.
    pub(crate) fn has_room(&self, entry_bytes: u64) -> Result<(), String> {
        let mut slot = self.slot.lock();
        if let Some(reason) = &slot.failed
            && slot.next.is_none()
        {
            return Err(reason.clone());
        }
        self.grow(&mut slot, entry_bytes)
    }

    fn grow(&self, slot: &mut Slot, entry_bytes: u64) -> Result<(), String> {
        let wanted = segment_bytes_for(entry_bytes, self.segment_bytes).next_multiple_of(BLOCK_BYTES as u64);
        if let Some(next) = &mut slot.next
            && next.bytes < wanted
        {
            next.grow(wanted)
                .map_err(|error| format!("no room for an entry of {entry_bytes} bytes: {error}"))?;
        }
        Ok(())
    }

    /// Wakes the preparing thread, because there may be room now or the log is closing.
    pub(crate) fn poke(&self, closing: bool) {
        self.slot.lock().closing |= closing;
        self.wake.notify_all();
    }

    /// The number of spares.
    #[cfg(test)]
    pub(crate) fn spares(&self) -> usize {
        self.slot.lock().spares.len()
    }

    /// Whether a segment is prepared, and the error if the last attempt failed.
    #[cfg(test)]
    pub(crate) fn state(&self) -> (bool, Option<String>) {
        let slot = self.slot.lock();
        (slot.next.is_some(), slot.failed.clone())
    }
}
