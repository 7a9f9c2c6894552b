//! What is known of the snapshots that this node takes: whether one is under way, and whether the
//! last one failed.
//!
//! Invariant: after a failure the next attempt waits for [`REST_AFTER_FAILURE`], unless an operator
//! asks for it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

/// How long no snapshot is tried after one failed. A disk that is full stays so for a while, and
/// each attempt writes until it is full again, into the room that the log needs.
pub const REST_AFTER_FAILURE: Duration = Duration::from_secs(10);

/// Shared by who takes snapshots, who decides when, and who tells of them.
#[derive(Debug, Default)]
pub struct SnapshotStatus {
    running: AtomicBool,
    failed: AtomicBool,
    resting_until: Mutex<Option<Instant>>,
    times: Mutex<Times>,
}

#[derive(Debug, Default)]
struct Times {
    ended: u64,
    begun: Option<Instant>,
    took: Option<Duration>,
    last_good: Option<Instant>,
}

/// The snapshots that were taken here since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SnapshotStats {
    /// How many attempts are over.
    pub ended: u64,
    /// For how long one has been under way.
    pub running_for: Option<Duration>,
    /// How long the last one took.
    pub last_took: Option<Duration>,
    /// How long ago the last good one was complete.
    pub since_last_good: Option<Duration>,
}

impl SnapshotStatus {
    /// Whether a snapshot may be begun now.
    pub fn may_begin(&self) -> bool {
        self.resting_until.lock().is_none_or(|until| Instant::now() >= until)
    }

    pub fn begun(&self) {
        let before = self.running.swap(true, Ordering::AcqRel);
        assert!(!before, "one snapshot is taken at a time");
        self.times.lock().begun = Some(Instant::now());
    }

    pub fn ended(&self, good: bool) {
        *self.resting_until.lock() = (!good).then(|| Instant::now() + REST_AFTER_FAILURE);
        self.failed.store(!good, Ordering::Relaxed);
        let (now, mut times) = (Instant::now(), self.times.lock());
        times.ended += 1;
        times.took = times.begun.take().map(|begun| now - begun);
        if good {
            times.last_good = Some(now);
        }
        drop(times);
        let before = self.running.swap(false, Ordering::AcqRel);
        assert!(before, "what ends was under way");
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

    /// Lets the next attempt begin at once: somebody asked for it.
    pub fn ask(&self) {
        *self.resting_until.lock() = None;
    }

    pub fn is_running(&self) -> bool {
        self.running.load(Ordering::Acquire)
    }

    /// Whether the last attempt failed.
    pub fn has_failed(&self) -> bool {
        self.failed.load(Ordering::Relaxed)
    }
}
