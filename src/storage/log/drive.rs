//! Coordinates writing: the queue, the writer and the two threads behind a log, or the task that
//! simulates them.
//!
//! The holder of the writer writes everything that is queued. A thread that has added a job either
//! writes the queue itself (if it has to wait for the job anyway, or the log is idle) or wakes the
//! writer thread, so every job is written.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::{Condvar, Mutex, MutexGuard};
use tokio::sync::Notify;

use super::counters::Counters;
use super::prepare::Preparer;
use super::queue::{Done, Job, JobQueue, Work};
use super::segment::Directory;
use super::types::{Entry, NoSpace, Options, Stats};
use super::view::View;
use super::writer::Writer;
use crate::error::Fatal;

pub(crate) struct Inner {
    pub directory: Directory,
    pub options: Options,
    pub view: Mutex<View>,
    pub queue: Mutex<JobQueue>,
    wake: Condvar,
    /// In a simulation, wakes the task that replaces the threads.
    turn: Option<Arc<Notify>>,
    writer: Mutex<Writer>,
    pub preparer: Preparer,
    inline: AtomicBool,
    counters: Counters,
}

impl Inner {
    pub(crate) fn new(
        directory: Directory,
        options: Options,
        view: View,
        writer: Writer,
        preparer: Preparer,
    ) -> Inner {
        let counters = Counters::new(options.clock.clone());
        counters.free_bytes.store(writer.free(), Ordering::Relaxed);
        let (view, writer) = (Mutex::new(view), Mutex::new(writer));
        let (queue, wake, inline) = (Mutex::default(), Condvar::new(), AtomicBool::new(true));
        let turn = options.background.is_simulated().then(Arc::default);
        Inner { directory, options, view, queue, wake, turn, writer, preparer, inline, counters }
    }

    pub(crate) fn set_inline(&self, inline: bool) {
        self.inline.store(inline, Ordering::Relaxed);
    }

    pub(crate) fn append(&self, entries: Vec<Entry>, done: Done) {
        let payload: usize = entries.iter().map(|entry| entry.payload.len()).sum();
        let mut queue = self.queue.lock();
        let epoch = {
            let mut view = self.view.lock();
            view.append(&entries);
            view.epoch
        };
        let idle = queue.jobs.is_empty();
        let job = Job { work: Work::Entries { entries: entries.into(), epoch }, done };
        if !self.push(&mut queue, job) {
            return;
        }
        let inline = idle
            && payload <= self.options.inline_bytes_max
            && self.inline.load(Ordering::Relaxed)
            && self.counters.is_quick();
        match if inline { self.writer.try_lock() } else { None } {
            Some(mut writer) => {
                drop(queue);
                self.counters.inline_batches.fetch_add(1, Ordering::Relaxed);
                self.write_queued(&mut writer);
            }
            None => {
                drop(queue);
                self.wake_writer();
            }
        }
    }

    fn wake_writer(&self) {
        match &self.turn {
            Some(turn) => turn.notify_one(),
            None => drop(self.wake.notify_one()),
        }
    }

    /// Adds a job and writes the queue on this thread, whose caller waits for the job anyway.
    pub(crate) fn submit_and_help(&self, job: Job) {
        if !self.push(&mut self.queue.lock(), job) {
            return;
        }
        self.write_queued(&mut self.writer.lock());
    }

    /// Adds a job. If the log has failed or is closed, reports that to the job instead and returns
    /// false.
    fn push(&self, queue: &mut JobQueue, job: Job) -> bool {
        let refused = match (&queue.failed, queue.closing) {
            (Some(error), _) => error.clone(),
            (None, true) => self.closed(),
            (None, false) => {
                self.counters.queued_bytes.fetch_add(job.entry_bytes(), Ordering::Relaxed);
                queue.jobs.push_back(job);
                return true;
            }
        };
        (job.done)(Err(refused));
        false
    }

    /// Writes the queued jobs until none is left or the remaining ones have to wait for room.
    fn write_queued(&self, writer: &mut Writer) {
        loop {
            let (jobs, mut committed) = {
                let mut queue = self.queue.lock();
                if queue.jobs.is_empty() || queue.failed.is_some() {
                    return;
                }
                (std::mem::take(&mut queue.jobs), queue.committed.take())
            };
            let bytes: u64 = jobs.iter().map(Job::entry_bytes).sum();
            let outcome = writer.commit(jobs, &mut committed, &self.preparer, &self.counters);
            if let Err(error) = outcome.result {
                let callbacks = outcome.waiting.into_iter().map(|job| job.done).chain(outcome.finished);
                self.fail(error, callbacks.collect());
                return;
            }
            writer.publish(&mut self.view.lock());
            let left: u64 = outcome.waiting.iter().map(Job::entry_bytes).sum();
            assert!(left <= bytes, "a write returns at most the jobs that it was given");
            self.counters.queued_bytes.fetch_sub(bytes - left, Ordering::Relaxed);
            self.counters.free_bytes.store(writer.free(), Ordering::Relaxed);
            let stalled = self.put_back(outcome.waiting, committed);
            outcome.finished.into_iter().for_each(|done| done(Ok(())));
            if stalled {
                return;
            }
        }
    }

    /// Puts the jobs that have to wait for room back at the front of the queue, and `committed` if
    /// it was not written and no newer one is queued. Returns whether there were such jobs.
    fn put_back(&self, waiting: Vec<Job>, committed: Option<Vec<u8>>) -> bool {
        let mut queue = self.queue.lock();
        queue.stalled = !waiting.is_empty();
        for job in waiting.into_iter().rev() {
            queue.jobs.push_front(job);
        }
        if queue.committed.is_none() {
            queue.committed = committed;
        }
        queue.stalled
    }

    /// Poisons the log: every further call fails. After a failed sync, the kernel may have dropped
    /// the dirty pages, so a retry could succeed and the data still be lost. After a failed write,
    /// the length of the written part is unknown.
    fn fail(&self, error: Fatal, callbacks: Vec<Done>) {
        let jobs = {
            let mut queue = self.queue.lock();
            assert!(queue.failed.is_none(), "nothing is written to a failed log");
            tracing::error!(%error, "the log failed and accepts nothing more");
            queue.failed = Some(error.clone());
            std::mem::take(&mut queue.jobs)
        };
        callbacks
            .into_iter()
            .chain(jobs.into_iter().map(|job| job.done))
            .for_each(|done| done(Err(error.clone())));
    }

    pub(crate) fn closed(&self) -> Fatal {
        let (path, reason) = (self.directory.path.clone(), "the log is closed".to_owned());
        Fatal::Disk { path, action: "writing", reason }
    }

    /// The writer thread.
    pub(crate) fn run(&self) {
        let mut written_before = 0;
        loop {
            let quiet = self.await_work(&mut self.queue.lock());
            if !self.write_turn(quiet, &mut written_before) {
                return;
            }
        }
    }

    /// Writes the queue and, if it was quiet for an interval, a sync marker. Returns `false` when
    /// the log is closing.
    fn write_turn(&self, quiet: bool, written_before: &mut u64) -> bool {
        let closing = self.queue.lock().closing;
        let mut writer = self.writer.lock();
        self.write_queued(&mut writer);
        // No marker under load, because the next batch proves the same as a sync marker.
        let written = self.counters.written_bytes.load(Ordering::Relaxed);
        if quiet && written == *written_before && !closing {
            self.write_marker(&mut writer);
        }
        *written_before = self.counters.written_bytes.load(Ordering::Relaxed);
        !closing
    }

    /// In a simulation, runs the task that replaces both threads.
    pub(crate) fn simulate(self: &Arc<Inner>) {
        let inner = self.clone();
        let wake = self.turn.clone().expect("a simulated log has a task");
        let mut written_before = 0;
        self.options.background.take_turns(wake, self.options.marker_after, move |quiet| {
            inner.preparer.prepare_now();
            inner.write_turn(quiet, &mut written_before)
        });
    }

    /// Waits for work, for the next retry, or for the next sync marker. Returns whether the whole
    /// time has passed; after a spurious wake-up it is too early for a marker.
    fn await_work(&self, queue: &mut MutexGuard<'_, JobQueue>) -> bool {
        if queue.has_work() || queue.closing {
            return false;
        }
        let timeout = if queue.stalled { self.options.retry_after } else { self.options.marker_after };
        self.wake.wait_for(queue, timeout).timed_out()
    }

    fn write_marker(&self, writer: &mut Writer) {
        let mut committed = {
            let mut queue = self.queue.lock();
            // The commit record may name entries that are still queued, so it is not written before
            // them.
            if queue.failed.is_some() || !queue.jobs.is_empty() {
                return;
            }
            queue.committed.take()
        };
        match writer.write_marker(&mut committed, &self.counters) {
            Ok(()) => drop(self.put_back(Vec::new(), committed)),
            Err(error) => self.fail(error, Vec::new()),
        }
    }

    /// The loop of the preparing thread.
    pub(crate) fn prepare(&self) {
        self.preparer.run(self.options.retry_after, || {
            self.queue.lock().stalled = false;
            self.wake_writer();
        });
    }

    /// Retires or removes segments that hold only purged entries, the oldest first, each durably
    /// before the next, so that a crash leaves no gap.
    pub(crate) fn remove_purged(&self) -> Result<(), Fatal> {
        // Held so that the active segment stays the same.
        let _writer = self.writer.lock();
        loop {
            let Some(segment) = self.view.lock().take_purged() else { break };
            let path = segment.path.clone();
            let retired = match Arc::into_inner(segment) {
                Some(segment) => self.preparer.retire(segment),
                // A reader has the file open and finds its bytes there even if it is removed.
                None => self.directory.remove(&path),
            };
            if let Err(error) = retired {
                self.fail_once(error.clone());
                return Err(error);
            }
        }
        self.preparer.poke(false);
        Ok(())
    }

    fn fail_once(&self, error: Fatal) {
        if self.queue.lock().failed.is_none() {
            self.fail(error, Vec::new());
        }
    }

    /// Whether the log has room for an entry of `bytes`. `promised` is the sum of all reservations,
    /// this one included.
    pub(crate) fn has_room(&self, bytes: u64, promised: u64) -> Result<(), NoSpace> {
        let path = || self.directory.path.clone();
        if let Some(error) = &self.queue.lock().failed {
            return Err(NoSpace { path: path(), reason: error.to_string() });
        }
        let needed = promised + self.counters.queued_bytes.load(Ordering::Relaxed);
        if needed <= self.counters.free_bytes.load(Ordering::Relaxed) {
            return Ok(());
        }
        self.preparer.has_room(bytes).map_err(|reason| NoSpace { path: path(), reason })
    }

    pub(crate) fn begin_closing(&self) {
        self.queue.lock().closing = true;
        self.wake.notify_all();
        self.wake_writer();
        self.preparer.poke(true);
    }

    /// Writes the remaining queue, after the threads have ended.
    pub(crate) fn finish(&self) -> Result<(), Fatal> {
        let mut writer = self.writer.lock();
        self.write_queued(&mut writer);
        if let Some(error) = &self.queue.lock().failed {
            return Err(error.clone());
        }
        let mut committed = self.queue.lock().committed.take();
        if self.abandon() {
            // The commit record may name an entry that was abandoned, so it is dropped.
            committed = None;
        }
        writer.finish(&mut committed, &self.counters).inspect_err(|error| self.fail_once(error.clone()))
    }

    /// Fails all jobs that still wait. Returns whether there were any.
    pub(crate) fn abandon(&self) -> bool {
        let jobs = std::mem::take(&mut self.queue.lock().jobs);
        let waited = !jobs.is_empty();
        jobs.into_iter().for_each(|job| (job.done)(Err(self.closed())));
        waited
    }

    pub(crate) fn stats(&self) -> Stats {
        let count = |counter: &std::sync::atomic::AtomicU64| counter.load(Ordering::Relaxed);
        let (stalled, poisoned) = {
            let queue = self.queue.lock();
            (queue.stalled, queue.failed.is_some())
        };
        let view = self.view.lock();
        Stats {
            bytes: view.segments.values().map(|held| held.segment.bytes).sum(),
            segments: view.segments.len() as u64,
            first: view.first(),
            last: view.last,
            writes: count(&self.counters.writes),
            written_bytes: count(&self.counters.written_bytes),
            syncs: count(&self.counters.syncs),
            inline_batches: count(&self.counters.inline_batches),
            queued_bytes: count(&self.counters.queued_bytes),
            cached_bytes: view.cache.bytes() as u64,
            stalled,
            poisoned,
        }
    }
}
