//! Decides when a snapshot is due by the size of the log, and purges what no snapshot needs any more. By the number
//! of entries openraft decides itself when a snapshot is due.
//!
//! Invariant: the log goes on where the older of the two newest snapshots ends, so that the newest may turn out to be
//! damaged and nothing is lost.

use std::sync::Arc;
use std::time::Duration;

use openraft::Raft;
use openraft::async_runtime::watch::WatchReceiver;

use super::saving::Saving;
use super::state_machine::StateMachine;
use super::types::TypeConfig;
use crate::storage::log::Log;

/// How often the log is looked at. At a gigabyte a second it grows by a quarter of the default limit in between.
const INTERVAL: Duration = Duration::from_millis(200);

/// Runs until consensus stops.
pub async fn run(
    raft: Raft<TypeConfig, StateMachine>,
    log: Arc<Log>,
    snapshot_log_bytes: u64,
    snapshot_running: Arc<Saving>,
) {
    let mut interval = tokio::time::interval(INTERVAL);
    interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut snapshot_index = raft.metrics().borrow_watched().snapshot.map(|id| id.index());
    let mut written_before = 0;
    loop {
        interval.tick().await;
        let metrics = raft.metrics().borrow_watched().clone();
        if metrics.running_state.is_err() {
            return;
        }
        let written = log.stats().written_bytes;
        let newest = metrics.snapshot.map(|id| id.index());
        if newest != snapshot_index {
            if let Some(older) = snapshot_index
                && raft.trigger().purge_log(older).await.is_err()
            {
                return;
            }
            (snapshot_index, written_before) = (newest, written);
        }
        let due = written.saturating_sub(written_before) >= snapshot_log_bytes;
        if due && !snapshot_running.is_running() && snapshot_running.may_begin() {
            // Counted anew from the beginning of the snapshot: what is written meanwhile belongs to the next.
            written_before = written;
            if raft.trigger().snapshot().await.is_err() {
                return;
            }
        }
    }
}
