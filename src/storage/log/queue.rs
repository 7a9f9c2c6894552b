//! The queue of jobs that wait to be written.

use std::collections::VecDeque;

use super::record;
use super::types::{Entry, LogPosition};
use crate::error::Fatal;

/// Called once, when the job is durable or has failed.
pub(crate) type Done = Box<dyn FnOnce(Result<(), Fatal>) + Send>;

pub(crate) enum Work {
    Entries {
        entries: VecDeque<Entry>,
        epoch: u64,
    },
    Vote(Vec<u8>),
    /// Removes all entries after `last`; all of them for `None`.
    Truncate {
        from: u64,
        last: Option<LogPosition>,
    },
    Purge(LogPosition),
}

pub(crate) struct Job {
    pub work: Work,
    pub done: Done,
}

impl Work {
    /// Size of the job's record. Not for entries, whose size [`Job::entry_bytes`] returns.
    pub(crate) fn control_bytes(&self) -> u64 {
        match self {
            Work::Vote(vote) => record::size_of(vote.len()),
            Work::Truncate { .. } => record::size_of(2 * size_of::<u64>()),
            Work::Purge(_) | Work::Entries { .. } => record::size_of(0),
        }
    }
}

impl Job {
    /// Bytes that the job's entries take in a segment; 0 for other jobs, whose records use the
    /// reserve.
    pub(crate) fn entry_bytes(&self) -> u64 {
        match &self.work {
            Work::Entries { entries, .. } => entries.iter().map(|e| record::size_of(e.payload.len())).sum(),
            _ => 0,
        }
    }

    /// Whether the job may be written before entries that wait for room. `last` is the last written
    /// entry.
    ///
    /// A vote does not depend on entries, and the node must be able to vote while its disk is full.
    /// A purge of written entries frees room on the disk. A truncation must not overtake the
    /// entries that it removes.
    pub(crate) fn may_overtake(&self, last: Option<LogPosition>) -> bool {
        match &self.work {
            Work::Vote(_) => true,
            Work::Purge((index, _)) => last.is_some_and(|(written, _)| *index <= written),
            Work::Entries { .. } | Work::Truncate { .. } => false,
        }
    }
}

/// Invariants:
/// * Jobs leave the queue in the order of their arrival, except those that may overtake others
///   ([`Job::may_overtake`]).
/// * After `failed` is set no job is added, and every earlier one has received its outcome.
#[derive(Default)]
pub(crate) struct JobQueue {
    pub jobs: VecDeque<Job>,
    /// The newest commit record that is not written yet.
    pub committed: Option<Vec<u8>>,
    /// Whether the first job waits for room on the disk.
    pub stalled: bool,
    pub failed: Option<Fatal>,
    pub closing: bool,
}

impl JobQueue {
    /// Whether there are jobs that do not wait for room.
    pub(crate) fn has_work(&self) -> bool {
        !self.jobs.is_empty() && !self.stalled
    }
}
