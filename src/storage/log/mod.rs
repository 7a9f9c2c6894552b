//! The log of one Raft group: its entries, its vote and its commit record, in segments of fixed
//! length.
//!
//! An append returns at once; its callback runs when the entries are durable. All waiting records
//! are written together, with one `fdatasync`. `docs/decisions/0001-log-format.md` describes the
//! format and its reasons.
//!
//! Invariants:
//! * A callback receives `Ok` only after a sync that covers all its records and all records
//!   appended before them.
//! * Entries are readable from the moment `append` returns.
//! * After a failed write or sync, nothing more is written and every call reports the failure. A
//!   full disk does not count as a failure.
//! * Opening the log finds everything that was reported durable, or fails and names the damaged
//!   place.
//!
//! Lock order: writer, queue, view. A thread that holds the queue may only try to lock the writer;
//! the holder of the writer may lock the other two.

mod cache;
mod counters;
mod drive;
mod index;
mod prepare;
mod queue;
mod read;
mod record;
mod recover;
mod replay;
mod segment;
#[cfg(test)]
mod tests;
mod types;
mod view;
mod writer;

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::sync_channel;
use std::thread::JoinHandle;

use parking_lot::Mutex;

use crate::env::{BLOCK_BYTES, Background, Disk, spawn_thread};
use crate::error::Fatal;
use crate::storage::disk_error;
use counters::Counters;
use drive::Inner;
use prepare::Preparer;
use queue::{Job, Work};
use segment::Directory;
pub use types::{
    Cut, Entry, LogPosition, NoSpace, Options, PAYLOAD_BYTES_MAX, Recovered, Room, SEGMENT_BYTES_MIN,
    STATE_BYTES_MAX, Stats,
};
use view::Source;
use writer::Writer;

/// The log. One task modifies it, and any number of tasks read it.
pub struct Log {
    inner: Arc<Inner>,
    reserved: Arc<AtomicU64>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

impl Log {
    /// Opens the log in the existing directory `dir`, or creates one. Reads the whole log once.
    ///
    /// The caller holds the lock on the data directory.
    ///
    /// # Errors
    /// [`Fatal::Corrupt`] with file and offset if anything that had been durable is damaged, except
    /// where damage cannot be distinguished from a torn write (see [`Cut`]); [`Fatal::Directory`]
    /// if a segment is missing; [`Fatal::Disk`] if the disk fails.
    ///
    /// # Panics
    /// If `options.segment_bytes` is below [`SEGMENT_BYTES_MIN`], above 2 GiB or not a multiple of
    /// [`BLOCK_BYTES`].
    pub fn open(disk: Arc<dyn Disk>, dir: &Path, options: Options) -> Result<(Log, Recovered), Fatal> {
        assert!(options.segment_bytes >= SEGMENT_BYTES_MIN, "segments of {} bytes", options.segment_bytes);
        assert!(options.segment_bytes <= 2 << 30, "offsets in a segment have 32 bits");
        assert!(options.segment_bytes.is_multiple_of(BLOCK_BYTES as u64), "segments have whole blocks");
        let directory = Directory { disk, path: dir.to_owned(), group: options.group };
        let found = recover::recover(&directory, &options)?;
        let sequence = found.segment.sequence + 1;
        let on_demand = options.background.is_simulated();
        let spares = directory.open_spares(found.spares, options.segment_bytes)?;
        let preparer =
            Preparer::new(directory.clone(), options.segment_bytes, sequence, found.next, spares, on_demand);
        let reserve_bytes = prepare::reserve_bytes(options.segment_bytes);
        let writer = Writer::new(found.segment, found.end, &found.block, found.head, reserve_bytes);
        let inner = Arc::new(Inner::new(directory, options, found.view, writer, preparer));
        let log = Log { inner, reserved: Arc::default(), threads: Mutex::default() };
        log.start().map_err(disk_error(dir, "starting a thread"))?;
        Ok((log, found.recovered))
    }

    fn start(&self) -> std::io::Result<()> {
        if self.inner.options.background.is_simulated() {
            self.inner.simulate();
            return Ok(());
        }
        let (writing, preparing) = (self.inner.clone(), self.inner.clone());
        let mut threads = self.threads.lock();
        threads.push(spawn_thread("log-writer", move || writing.run())?);
        threads.push(spawn_thread("log-preparer", move || preparing.prepare())?);
        Ok(())
    }

    /// Appends entries, which must follow the last one, and returns once they are readable. `done`
    /// is called once they are durable; these calls are made in the order of the appends.
    ///
    /// If the log is idle and the batch is small, this thread writes, syncs and calls `done` before
    /// it returns (see [`Options::inline_bytes_max`], [`Log::set_inline`]); otherwise the writer
    /// thread does. `done` must be quick and must not call a method of the log that waits. While
    /// the disk is full, entries wait and `done` is not called; entries for which [`Log::reserve`]
    /// granted room normally do not wait.
    ///
    /// `done` receives the error of a failed write or sync, which poisons the log; after a restart,
    /// the log may or may not contain the entries.
    ///
    /// # Panics
    /// If an index does not follow the last one, a term is lower than the last one, or a payload
    /// exceeds [`PAYLOAD_BYTES_MAX`].
    pub fn append(&self, entries: Vec<Entry>, done: impl FnOnce(Result<(), Fatal>) + Send + 'static) {
        for entry in &entries {
            assert!(entry.payload.len() <= PAYLOAD_BYTES_MAX, "an entry of {} bytes", entry.payload.len());
        }
        self.inner.append(entries, Box::new(done));
    }

    /// Sets whether the calling thread writes small appends to an idle log, which is the default.
    /// On a leader with followers it may be faster to let the writer thread write the entries while
    /// the calling thread sends them to the followers.
    pub fn set_inline(&self, inline: bool) {
        self.inner.set_inline(inline);
    }

    /// Reads the entries present in `range`, in order, until their payloads would exceed
    /// `bytes_max`; the first one is returned regardless of its size. The result may end before the
    /// range does, and the caller then reads the rest with another call.
    ///
    /// # Errors
    /// [`Fatal::Corrupt`] or [`Fatal::Disk`] if an entry cannot be read back.
    pub fn read(&self, range: Range<u64>, bytes_max: usize) -> Result<Vec<Entry>, Fatal> {
        let mut entries: Vec<Entry> = Vec::new();
        let mut bytes_left = bytes_max;
        loop {
            let from = entries.last().map_or(range.start, |last| last.index + 1);
            let source = self.inner.view.lock().source(from, range.end, bytes_left);
            match source {
                Source::Nowhere => break,
                Source::Cache(found) => {
                    // Each source returns its first entry regardless of the limit, which is allowed
                    // only for the first entry of the whole result.
                    let fits = |entry: &Entry| entries.is_empty() || entry.payload.len() <= bytes_left;
                    if found.first().is_some_and(fits) {
                        entries.extend(found);
                    }
                    break;
                }
                Source::Disk(positions) => {
                    let first = entries.is_empty();
                    if !read::read(&positions, &mut bytes_left, first, &mut entries)? {
                        break;
                    }
                }
            }
        }
        assert!(entries.windows(2).all(|pair| pair[0].index + 1 == pair[1].index), "entries read in order");
        Ok(entries)
    }

    /// The term of an entry that is present, or of the last purged one.
    pub fn term_of(&self, index: u64) -> Option<u64> {
        self.inner.view.lock().term_of(index)
    }

    /// The last entry; if no entry follows the purged ones, the last purged entry.
    pub fn last(&self) -> Option<LogPosition> {
        self.inner.view.lock().last
    }

    /// The last purged entry.
    pub fn purged(&self) -> Option<LogPosition> {
        self.inner.view.lock().purged
    }

    /// Writes the vote, and returns once it is durable. Everything appended before is durable then
    /// too, except entries that wait for room.
    ///
    /// # Errors
    /// [`Fatal`] if the log failed, now or before.
    ///
    /// # Panics
    /// If the vote has more than [`STATE_BYTES_MAX`] bytes.
    pub fn save_vote(&self, vote: &[u8]) -> Result<(), Fatal> {
        assert!(vote.len() <= STATE_BYTES_MAX, "a vote of {} bytes", vote.len());
        self.wait(Work::Vote(vote.to_vec()))
    }

    /// Records the commit index. The record is written with the next batch, or a moment later
    /// without a sync. After a crash an older record may be found, but never one that names an
    /// entry which is not in the log.
    ///
    /// # Panics
    /// If the record has more than [`STATE_BYTES_MAX`] bytes.
    pub fn save_committed(&self, committed: &[u8]) {
        assert!(committed.len() <= STATE_BYTES_MAX, "a commit record of {} bytes", committed.len());
        self.inner.queue.lock().committed = Some(committed.to_vec());
    }

    /// Removes all entries after `last`, or all if `None`, and returns once the removal is durable.
    /// The removal waits for earlier entries, even if those wait for room.
    ///
    /// # Errors
    /// [`Fatal`] if the log failed, now or before.
    ///
    /// # Panics
    /// If `last` is before the end of the purged entries.
    pub fn truncate_after(&self, last: Option<u64>) -> Result<(), Fatal> {
        let from = last.map_or(0, |last| last + 1);
        let after = {
            let mut view = self.inner.view.lock();
            if view.last.is_none_or(|(last, _)| last < from) {
                return Ok(());
            }
            view.truncate_from(from);
            view.last
        };
        self.wait(Work::Truncate { from, last: after })
    }

    /// Purges the entries up to the one at `index`, whose term is `term`. Returns once that is
    /// durable and the segments with only purged entries are removed. If `index` is greater than
    /// the last index, the log continues after `index`.
    ///
    /// # Errors
    /// [`Fatal`] if the log failed, now or before.
    pub fn purge_up_to(&self, index: u64, term: u64) -> Result<(), Fatal> {
        {
            let mut view = self.inner.view.lock();
            if view.purged.is_some_and(|(purged, _)| index <= purged) {
                return Ok(());
            }
            view.purge_up_to((index, term));
        }
        self.wait(Work::Purge((index, term)))?;
        self.inner.remove_purged()
    }

    fn wait(&self, work: Work) -> Result<(), Fatal> {
        let (sender, receiver) = sync_channel(1);
        let done = Box::new(move |result| drop(sender.send(result)));
        self.inner.submit_and_help(Job { work, done });
        if self.inner.options.background.is_simulated() {
            // In a simulation, no other thread can make room while this one waits.
            return receiver.try_recv().unwrap_or_else(|_| Err(self.inner.closed()));
        }
        receiver.recv().unwrap_or_else(|_| Err(self.inner.closed()))
    }

    /// Reserves room for an entry with this many bytes of payload, before it is proposed.
    ///
    /// The caller must hold the [`Room`] until it has appended the entry. For an entry larger than
    /// a segment, this call may lengthen the next segment, which takes as long as writing the
    /// entry.
    ///
    /// # Errors
    /// [`NoSpace`] while the active segment has no room for the entry and no further segment can be
    /// prepared. Nothing is reserved then, and the log keeps trying to prepare a segment.
    pub fn reserve(&self, bytes: usize) -> Result<Room, NoSpace> {
        self.reserve_each(std::iter::once(bytes))
    }

    /// Like [`Log::reserve`], for several entries at once.
    ///
    /// # Errors
    /// [`NoSpace`], as for [`Log::reserve`].
    pub fn reserve_each(&self, payloads: impl Iterator<Item = usize>) -> Result<Room, NoSpace> {
        let bytes = payloads.map(record::size_of).sum();
        let promised = self.reserved.fetch_add(bytes, Ordering::AcqRel) + bytes;
        let room = Room { bytes, reserved: self.reserved.clone() };
        self.inner.has_room(bytes, promised).map(|()| room)
    }

    /// Whether [`Log::reserve`] would succeed now.
    ///
    /// # Errors
    /// [`NoSpace`], as for [`Log::reserve`].
    pub fn has_room(&self, bytes: usize) -> Result<(), NoSpace> {
        self.reserve(bytes).map(drop)
    }

    /// The size of the log on disk, headers included, from the entry after `index` on; for `None`,
    /// from the first entry on.
    pub fn bytes_after(&self, index: Option<u64>) -> u64 {
        let view = self.inner.view.lock();
        view.bytes_from(index.map_or(0, |index| index + 1))
    }

    /// The reason why the log accepts nothing more, if it has failed.
    pub fn failure(&self) -> Option<Fatal> {
        self.inner.queue.lock().failed.clone()
    }

    pub fn stats(&self) -> Stats {
        self.inner.stats()
    }

    /// The threads, or in a simulation the task, for blocking disk work.
    pub fn background(&self) -> &Background {
        &self.inner.options.background
    }

    /// The directory of the segments.
    pub fn path(&self) -> PathBuf {
        self.inner.directory.path.clone()
    }

    /// Writes and syncs everything that is queued, and stops the threads. Entries that wait for
    /// room are reported as failed. Later calls fail, except that closing again does nothing.
    ///
    /// # Errors
    /// [`Fatal`] if the log failed, now or before.
    pub fn close(&self) -> Result<(), Fatal> {
        self.stop();
        self.inner.finish()
    }

    fn stop(&self) {
        self.inner.begin_closing();
        for thread in self.threads.lock().drain(..) {
            // A panic of the thread was already reported, by the panic hook and to the jobs by
            // their dropped channels.
            let _ = thread.join();
        }
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        self.stop();
        self.inner.abandon();
    }
}
