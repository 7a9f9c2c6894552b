//! What the log takes and gives.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::record;
use crate::env::{Background, Clock, SystemClock};
use crate::error::Unavailable;

/// One entry of the Raft log. The payload is opaque to the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    pub index: u64,
    pub term: u64,
    pub payload: Bytes,
}

/// A position in the log: index and term of an entry.
pub type LogPosition = (u64, u64);

/// The bytes a payload may have at most. Far over any document; under the 4 GiB that offsets within
/// a segment reach.
pub const PAYLOAD_BYTES_MAX: usize = 1 << 30;

/// The bytes a vote or a commit record may have at most: they are repeated at the head of every
/// segment.
pub const STATE_BYTES_MAX: usize = 256;

/// The smallest segment that holds its own bookkeeping and some entries.
pub const SEGMENT_BYTES_MIN: u64 = 4096;

/// How the log works; the defaults suit production.
#[derive(Clone, Debug)]
pub struct Options {
    /// The Raft group whose log this is; a log of another group is refused.
    pub group: u32,
    /// Length of a segment. 64 MiB: at full write load a new one every few seconds, and little to
    /// rescan at a start.
    pub segment_bytes: u64,
    /// Payload bytes of recent entries kept in memory, so that applying and replicating them does
    /// not read the disk.
    pub cache_bytes_max: usize,
    /// An append of at most so many payload bytes is written by its caller's thread if the log is
    /// idle: with one client the hop to the writer thread costs more than it saves. Larger ones
    /// would block the caller too long, and so would a disk that has lately been slow.
    pub inline_bytes_max: usize,
    /// How long to wait before trying again to prepare a segment on a full disk.
    pub retry_after: Duration,
    /// After so long without a write, what is known to be committed is written, unsynced; the
    /// record also protects the last batch: from then on damage to it is told from a torn write.
    pub marker_after: Duration,
    /// Who writes what its caller does not, and prepares segments: two threads, or, simulated, a
    /// task.
    pub background: Background,
    /// Measures how long a sync takes.
    pub clock: Arc<dyn Clock>,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            group: 0,
            segment_bytes: 64 << 20,
            cache_bytes_max: 16 << 20,
            inline_bytes_max: 64 << 10,
            retry_after: Duration::from_millis(500),
            marker_after: Duration::from_millis(200),
            background: Background::Threads,
            clock: Arc::new(SystemClock::new()),
        }
    }
}

/// What was found on opening.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recovered {
    /// The vote saved last.
    pub vote: Option<Vec<u8>>,
    /// A commit record; not necessarily the last one given to `save_committed`.
    pub committed: Option<Vec<u8>>,
    /// Index of the first entry present; `None` if there is none.
    pub first: Option<u64>,
    /// The last entry, or what was purged last if nothing follows it.
    pub last: Option<LogPosition>,
    /// What was purged last.
    pub purged: Option<LogPosition>,
    /// The torn tail that was removed, if there was one.
    pub cut: Option<Cut>,
}

/// A torn tail: a batch that was being written when the node stopped, and that nobody was told is
/// durable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cut {
    pub path: PathBuf,
    /// Where the first bad record began.
    pub offset: u64,
    /// From there to the last byte that was not zero.
    pub bytes: u64,
}

/// The disk has no room for more; nothing was changed. Goes by itself once there is room.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}: {reason}", path.display())]
pub struct NoSpace {
    pub path: PathBuf,
    pub reason: String,
}

impl From<NoSpace> for Unavailable {
    fn from(full: NoSpace) -> Unavailable {
        Unavailable::DiskFull(full.to_string())
    }
}

/// Room promised to a write that is on its way to [`super::Log::append`]; given back when dropped.
/// Hold it until the entry was appended.
#[derive(Debug)]
pub struct Room {
    pub(super) bytes: u64,
    pub(super) reserved: Arc<AtomicU64>,
}

impl Drop for Room {
    fn drop(&mut self) {
        let before = self.reserved.fetch_sub(self.bytes, Ordering::AcqRel);
        assert!(before >= self.bytes, "more room given back than was reserved");
    }
}

/// The state of the log, for metrics and INFO. Counters are since opening.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Bytes of all segment files in use, their unused ends included.
    pub bytes: u64,
    pub segments: u64,
    pub first: Option<u64>,
    pub last: Option<LogPosition>,
    /// Writes to segments, and bytes in them.
    pub writes: u64,
    pub written_bytes: u64,
    pub syncs: u64,
    /// Batches written by the thread that appended them.
    pub inline_batches: u64,
    /// Entries appended and not yet written.
    pub queued_bytes: u64,
    pub cached_bytes: u64,
    /// Appended entries wait for room on the disk.
    pub stalled: bool,
    pub poisoned: bool,
}

const _: () = assert!(record::size_of(PAYLOAD_BYTES_MAX) < u32::MAX as u64 - (1 << 20));
const _: () = assert!(SEGMENT_BYTES_MIN as usize > 4 * STATE_BYTES_MAX);

/// The vote, the commit record and the two ends of the log at some point of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Head {
    pub vote: Option<Vec<u8>>,
    pub committed: Option<Vec<u8>>,
    pub purged: Option<LogPosition>,
    /// The last entry, or what was purged last if nothing follows it.
    pub last: Option<LogPosition>,
}

/// The most an encoded head may take: two states, two places of two integers, and the tags and
/// lengths.
pub(crate) const HEAD_BYTES_MAX: usize = 2 * (STATE_BYTES_MAX + 4) + 2 * (1 + 2 * 10);

impl Head {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let bytes = postcard::to_stdvec(self).expect("plain values always encode");
        assert!(bytes.len() <= HEAD_BYTES_MAX, "a head of {} bytes", bytes.len());
        bytes
    }

    pub(crate) fn decode(bytes: &[u8]) -> Option<Head> {
        postcard::from_bytes(bytes).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_head_fits() {
        let state = Some(vec![7; STATE_BYTES_MAX]);
        let position = Some((u64::MAX, u64::MAX));
        let head = Head { vote: state.clone(), committed: state, purged: position, last: position };
        assert_eq!(Head::decode(&head.encode()), Some(head));
    }
}
