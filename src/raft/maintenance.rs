//! Starts a snapshot once the log has grown by a number of bytes, and purges what no snapshot needs
//! any more. openraft itself starts snapshots by the number of entries.
//!
//! Invariant: the log begins no later than after the older of the two newest snapshots, so that
//! nothing is lost if the newest turns out to be damaged.

use std::sync::Arc;
use std::time::Duration;

use super::consensus::Consensus;
use super::snapshot_status::SnapshotStatus;

/// Interval of the checks. Writes between two checks may exceed the limit: by 200 MB at a gigabyte
/// a second, and disks that sync are slower.
const INTERVAL: Duration = Duration::from_millis(200);

/// Runs until consensus stops.
pub async fn run(consensus: Consensus, snapshot_log_bytes: u64, snapshots: Arc<SnapshotStatus>) {
    let Consensus { raft, log } = &consensus;
    let mut interval = tokio::time::interval(INTERVAL);
    interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let snapshot = consensus.with_metrics(|metrics| metrics.snapshot.map(|id| id.index()));
    let found_bytes = log.bytes_after(snapshot);
    let written_before = log.stats().written_bytes;
    let mut growth = Growth { snapshot, ..Growth::default() };
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
    }
}

/// How much the log has grown since the beginning of the newest snapshot.
#[derive(Debug, Default)]
struct Growth {
    /// The newest snapshot seen so far.
    snapshot: Option<u64>,
    /// The bytes written when it began.
    counted_from: u64,
    /// The bytes written when the snapshot under way began.
    begun: Option<u64>,
    running: bool,
}

impl Growth {
    /// Notes the current figures. Returns the index up to which the log may be purged if there is a
    /// new snapshot.
    fn look(&mut self, written: u64, newest: Option<u64>, running: bool) -> Option<u64> {
        let mut older = None;
        if newest != self.snapshot {
            // Bytes written during a snapshot count towards the next one. A short snapshot may be
            // seen only once it is over.
            self.counted_from = self.begun.take().unwrap_or(written);
            older = std::mem::replace(&mut self.snapshot, newest);
        }
        if running && !self.running {
            // Whatever triggered the snapshot.
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
        assert_eq!(growth.since_snapshot(100), 100, "what was found at the start counts");
        growth.begun(100);
        assert!(!growth.may_begin());
        assert_eq!(growth.look(150, None, true), None);
        assert_eq!(growth.look(180, Some(7), false), None, "there was none before it");
        assert_eq!(growth.since_snapshot(180), 80);
        // One that something else triggered, and one that was over before it was seen.
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
