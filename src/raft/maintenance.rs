//! Starts a snapshot once the log has grown by a number of bytes, and purges entries that the
//! snapshots have made redundant. openraft's own trigger counts entries, not bytes.
//!
//! Invariant: the log begins no later than after the older of the two newest snapshots, so that a
//! start can fall back to the older one if the newest is damaged.

use std::sync::Arc;
use std::time::Duration;

use super::consensus::Consensus;
use super::snapshot_status::SnapshotStatus;

/// Shortest time between two checks. The log can exceed its limit by the writes between two checks:
/// 200 MB if the disk syncs a gigabyte a second, less on most disks.
const INTERVAL: Duration = Duration::from_millis(200);

/// Runs until consensus stops.
pub async fn run(consensus: Consensus, snapshot_log_bytes: u64, snapshots: Arc<SnapshotStatus>) {
    let Consensus { raft, log, .. } = &consensus;
    let mut interval = tokio::time::interval(INTERVAL);
    interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let snapshot = consensus.with_metrics(|metrics| metrics.snapshot.map(|id| id.index()));
    let found_bytes = log.bytes_after(snapshot);
    let written_before = log.stats().written_bytes;
    let mut growth = Growth { snapshot, ..Growth::default() };
    let mut changes = consensus.changes();
    loop {
        interval.tick().await;
        let metrics = consensus.with_metrics(Clone::clone);
        if metrics.running_state.is_err() {
            return;
        }
        let written = found_bytes + log.stats().written_bytes - written_before;
        let newest = metrics.snapshot.map(|id| id.index());
        if let Some(older) = growth.look(written, newest, snapshots.is_running())
            && raft.trigger().purge_log(older).await.is_err()
        {
            return;
        }
        if growth.since_snapshot(written) >= snapshot_log_bytes && growth.may_begin() && snapshots.may_begin()
        {
            growth.begun(written);
            if raft.trigger().snapshot().await.is_err() {
                return;
            }
        }
        // The end of a snapshot that changed nothing, and the end of the pause after a failed one,
        // are not signalled.
        if !growth.running && growth.since_snapshot(written) < snapshot_log_bytes {
            changes.next().await;
        }
    }
}

/// How much the log has grown since the beginning of the newest snapshot.
#[derive(Debug, Default)]
struct Growth {
    /// The newest snapshot seen so far.
    snapshot: Option<u64>,
    /// Bytes written to the log when the newest snapshot began.
    counted_from: u64,
    /// Bytes written to the log when the running snapshot began.
    begun: Option<u64>,
    running: bool,
}

impl Growth {
    /// Records the current figures. If there is a new snapshot, returns the index of the one before
    /// it, up to which the log may be purged.
    fn look(&mut self, written: u64, newest: Option<u64>, running: bool) -> Option<u64> {
        let mut older = None;
        if newest != self.snapshot {
            // Bytes written during a snapshot count towards the next one. If the snapshot was so
            // short that its start was not observed, counting begins now.
            self.counted_from = self.begun.take().unwrap_or(written);
            older = std::mem::replace(&mut self.snapshot, newest);
        }
        if running && !self.running {
            // The snapshot may have been started here, by an operator or by openraft.
            self.begun = Some(written);
        }
        self.running = running;
        older
    }

    fn begun(&mut self, written: u64) {
        self.begun = Some(written);
        self.running = true;
    }

    fn may_begin(&self) -> bool {
        !self.running
    }

    fn since_snapshot(&self, written: u64) -> u64 {
        written.saturating_sub(self.counted_from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_during_a_snapshot_counts_for_the_next() {
        let mut growth = Growth::default();
        assert_eq!(growth.look(100, None, false), None);
        assert_eq!(growth.since_snapshot(100), 100, "the log found at the start counts");
        growth.begun(100);
        assert!(!growth.may_begin());
        assert_eq!(growth.look(150, None, true), None);
        assert_eq!(growth.look(180, Some(7), false), None, "there is no older snapshot");
        assert_eq!(growth.since_snapshot(180), 80);
        // A snapshot that this task did not start, and one that ended between two checks.
        assert_eq!(growth.look(200, Some(7), true), None);
        assert_eq!(growth.look(300, Some(9), false), Some(7));
        assert_eq!(growth.since_snapshot(300), 100);
        assert_eq!(growth.look(400, Some(11), false), Some(9));
        assert_eq!(growth.since_snapshot(400), 0);
    }

    #[test]
    fn a_failed_snapshot_stays_due() {
        let mut growth = Growth::default();
        growth.begun(100);
        assert_eq!(growth.look(150, None, true), None);
        assert_eq!(growth.look(200, None, false), None);
        assert!(growth.may_begin());
        assert_eq!(growth.since_snapshot(200), 200);
    }
}
