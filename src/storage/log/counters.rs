//! What the log counts while it runs.

use std::sync::atomic::{AtomicU64, Ordering};

#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub writes: AtomicU64,
    pub written_bytes: AtomicU64,
    pub syncs: AtomicU64,
    pub inline_batches: AtomicU64,
    /// Bytes of entries that are in the queue.
    pub queued_bytes: AtomicU64,
    /// Bytes of entries that fit into the segment in use, as of the last batch.
    pub free_bytes: AtomicU64,
}

impl Counters {
    pub(crate) fn wrote(&self, bytes: usize) {
        self.writes.fetch_add(1, Ordering::Relaxed);
        self.written_bytes.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    pub(crate) fn synced(&self) {
        self.syncs.fetch_add(1, Ordering::Relaxed);
    }
}
