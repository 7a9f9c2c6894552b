//! The types of the log's interface.

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

/// A position in the log: the index and the term of an entry.
pub type LogPosition = (u64, u64);

/// Maximum size of a payload: far more than any document needs, and below the 4 GiB that an offset
/// within a segment can address.
pub const PAYLOAD_BYTES_MAX: usize = 1 << 30;

/// Maximum size of a vote or a commit record. Both are repeated in the head of every segment.
pub const STATE_BYTES_MAX: usize = 256;

/// Minimum size of a segment: enough for the log's own records and some entries.
pub const SEGMENT_BYTES_MIN: u64 = 4096;

/// The log's options. The defaults suit production.
#[derive(Clone, Debug)]
pub struct Options {
    /// The Raft group that owns the log; a log of another group is refused.
    pub group: u32,
    /// Length of a segment. With 64 MiB, a new segment begins every few seconds at full write load,
    /// and a start has little to scan again.
    pub segment_bytes: u64,
    /// Maximum payload bytes of recent entries in memory, from which they are applied and
    /// replicated without reading the disk.
    pub cache_bytes_max: usize,
    /// Maximum payload bytes of an append that the calling thread writes if the log is idle. With
    /// one client, a switch to the writer thread costs more than it saves. A larger append would
    /// block the caller too long, and so would any append on a disk that has recently been slow.
    pub inline_bytes_max: usize,
    /// Pause before the next attempt to prepare a segment on a full disk.
    pub retry_after: Duration,
    /// Without a write for this time, the commit record is written, without a sync. This record
    /// also proves that the last batch was durable, so that later damage to the batch is
    /// distinguished from a torn write.
    pub marker_after: Duration,
    /// Runs the writing and the preparation of segments: on two threads or, in a simulation, in one
    /// task.
    pub background: Background,
    /// Measures the duration of a sync.
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

/// The content of the log when it was opened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recovered {
    /// The last saved vote.
    pub vote: Option<Vec<u8>>,
    /// A commit record, which may be older than the last one passed to `save_committed`.
    pub committed: Option<Vec<u8>>,
    /// The index of the first entry; `None` if there is no entry.
    pub first: Option<u64>,
    /// The last entry; if no entry follows the purged ones, the last purged entry.
    pub last: Option<LogPosition>,
    /// The last purged entry.
    pub purged: Option<LogPosition>,
    /// The torn tail that was removed, if any.
    pub cut: Option<Cut>,
}

/// A torn tail: a batch that was being written when the node stopped, and that was never reported
/// durable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cut {
    pub path: PathBuf,
    /// Offset of the first bad record.
    pub offset: u64,
    /// Bytes from `offset` to the last one that was not zero.
    pub bytes: u64,
}

/// The disk has no room for more. Nothing was changed, and the call succeeds as soon as there is
/// room.
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

/// Room reserved for entries that will be passed to [`super::Log::append`]. Dropping it releases
/// the room, so it must be held until the entries have been appended.
#[derive(Debug)]
pub struct Room {
    pub(super) bytes: u64,
    pub(super) reserved: Arc<AtomicU64>,
}

impl Drop for Room {
    fn drop(&mut self) {
        let before = self.reserved.fetch_sub(self.bytes, Ordering::AcqRel);
        assert!(before >= self.bytes, "no more room is released than was reserved");
    }
}

/// The log's statistics, for metrics and INFO. Counters start at 0 when the log is opened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Bytes of all segment files, their unused ends included.
    pub bytes: u64,
    pub segments: u64,
    pub first: Option<u64>,
    pub last: Option<LogPosition>,
    /// Number of writes to segments, and their bytes.
    pub writes: u64,
    pub written_bytes: u64,
    pub syncs: u64,
    /// Number of batches that the appending thread wrote itself.
    pub inline_batches: u64,
    /// Bytes of entries that have been appended and not yet written.
    pub queued_bytes: u64,
    pub cached_bytes: u64,
    /// Whether appended entries wait for room on the disk.
    pub stalled: bool,
    pub poisoned: bool,
}

const _: () = assert!(record::size_of(PAYLOAD_BYTES_MAX) < u32::MAX as u64 - (1 << 20));
const _: () = assert!(SEGMENT_BYTES_MIN as usize > 4 * STATE_BYTES_MAX);

/// The vote, the commit record and the two ends of the log, as of one position in it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Head {
    pub vote: Option<Vec<u8>>,
    pub committed: Option<Vec<u8>>,
    pub purged: Option<LogPosition>,
    /// The last entry; if no entry follows the purged ones, the last purged entry.
    pub last: Option<LogPosition>,
}

/// Maximum size of an encoded head: a vote, a commit record, two positions of two integers, with
/// their tags and lengths.
pub(crate) const HEAD_BYTES_MAX: usize = 2 * (STATE_BYTES_MAX + 4) + 2 * (1 + 2 * 10);

impl Head {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let bytes = postcard::to_stdvec(self).expect("encoding into memory succeeds");
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
