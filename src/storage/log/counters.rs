//! The log's counters.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::env::Clock;

/// A sync that takes longer than this counts as slow, and should not run on a thread that other
/// tasks wait for. Disks with power-loss protection take at most a millisecond, spinning ones about
/// ten.
pub(crate) const QUICK_SYNC_MAX: Duration = Duration::from_millis(20);

/// After a slow sync, the disk counts as quick again once this many syncs in a row were quick.
pub(crate) const QUICK_SYNCS_WANTED: u64 = 16;

#[derive(Debug)]
pub(crate) struct Counters {
    pub writes: AtomicU64,
    pub written_bytes: AtomicU64,
    pub syncs: AtomicU64,
    pub inline_batches: AtomicU64,
    /// Bytes of the queued entries.
    pub queued_bytes: AtomicU64,
    /// Bytes of entries that still fit into the active segment, as of the last batch.
    pub free_bytes: AtomicU64,
    /// Number of quick syncs since the last slow one.
    quick_syncs: AtomicU64,
    clock: Arc<dyn Clock>,
}

impl Counters {
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Counters {
        Counters {
            writes: AtomicU64::new(0),
            written_bytes: AtomicU64::new(0),
            syncs: AtomicU64::new(0),
            inline_batches: AtomicU64::new(0),
            queued_bytes: AtomicU64::new(0),
            free_bytes: AtomicU64::new(0),
            // The disk counts as quick until a sync has been slow.
            quick_syncs: AtomicU64::new(QUICK_SYNCS_WANTED),
            clock,
        }
    }

    pub(crate) fn wrote(&self, bytes: usize) {
        self.writes.fetch_add(1, Ordering::Relaxed);
        self.written_bytes.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    /// Runs `sync`, counts it and measures its duration.
    pub(crate) fn sync(&self, sync: impl FnOnce() -> std::io::Result<()>) -> std::io::Result<()> {
        let begun = self.clock.elapsed();
        sync()?;
        self.syncs.fetch_add(1, Ordering::Relaxed);
        if self.clock.elapsed().saturating_sub(begun) <= QUICK_SYNC_MAX {
            self.quick_syncs.fetch_add(1, Ordering::Relaxed);
        } else {
            self.quick_syncs.store(0, Ordering::Relaxed);
        }
        Ok(())
    }

    /// Whether the last syncs were quick.
    pub(crate) fn is_quick(&self) -> bool {
        self.quick_syncs.load(Ordering::Relaxed) >= QUICK_SYNCS_WANTED
    }
}
