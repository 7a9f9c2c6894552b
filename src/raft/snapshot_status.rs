//! The state of this node's own snapshots: whether one is under way, and whether the last one
//! failed.
//!
//! Invariant: after a failure the next attempt waits for [`RETRY_AFTER_FAILURE`], unless an
//! operator requests it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

/// Pause after a failed snapshot. A full disk usually stays full for a while, and each attempt uses
/// room that the log needs.
pub const RETRY_AFTER_FAILURE: Duration = Duration::from_secs(10);

/// Shared by the snapshot builder, `maintenance` and the status.
#[derive(Debug, Default)]
pub struct SnapshotStatus {
    running: AtomicBool,
    failed: AtomicBool,
    retry_at: Mutex<Option<Instant>>,
    times: Mutex<Times>,
}

#[derive(Debug, Default)]
struct Times {
    ended: u64,
    begun: Option<Instant>,
    took: Option<Duration>,
    last_good: Option<Instant>,
}

/// Statistics of the snapshots that this node has taken since its start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SnapshotStats {
    /// Number of attempts that have ended, good or failed.
    pub ended: u64,
    /// How long the running attempt has taken so far; `None` if none is running.
    pub running_for: Option<Duration>,
    /// How long the last attempt took.
    pub last_took: Option<Duration>,
    /// Time since the last good snapshot completed.
    pub since_last_good: Option<Duration>,
}

impl SnapshotStatus {
    /// Whether the pause after a failed snapshot is over, or there is none.
    pub fn may_begin(&self) -> bool {
        self.retry_at.lock().is_none_or(|until| Instant::now() >= until)
    }

    pub fn begun(&self) {
        let before = self.running.swap(true, Ordering::AcqRel);
        assert!(!before, "one snapshot is taken at a time");
        self.times.lock().begun = Some(Instant::now());
    }

    pub fn ended(&self, good: bool) {
        *self.retry_at.lock() = (!good).then(|| Instant::now() + RETRY_AFTER_FAILURE);
        self.failed.store(!good, Ordering::Relaxed);
        let (now, mut times) = (Instant::now(), self.times.lock());
        times.ended += 1;
        times.took = times.begun.take().map(|begun| now - begun);
        if good {
            times.last_good = Some(now);
        }
        drop(times);
        let before = self.running.swap(false, Ordering::AcqRel);
        assert!(before, "a snapshot that ends was under way");
    }

    pub fn snapshot_stats(&self) -> SnapshotStats {
        let times = self.times.lock();
        SnapshotStats {
            ended: times.ended,
            running_for: times.begun.map(|begun| begun.elapsed()),
            last_took: times.took,
            since_last_good: times.last_good.map(|good| good.elapsed()),
        }
    }

    /// Ends the pause after a failure, because an operator requested a snapshot.
    pub fn permit_now(&self) {
        *self.retry_at.lock() = None;
    }

    pub fn is_running(&self) -> bool {
        self.running.load(Ordering::Acquire)
    }

    /// Whether the last attempt at a snapshot failed.
    pub fn has_failed(&self) -> bool {
        self.failed.load(Ordering::Relaxed)
    }
}
