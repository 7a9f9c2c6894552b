//! The node's telemetry as commands see it, and commands that wait for replicas or a snapshot:
//! [`Inspect`] over the server's state.
//!
//! Invariant: every wait ends when the node stops or is removed from the cluster.

use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;

use crate::command::{CommandHistogram, Inspect, LatencyEvent, Memory, RefusedRequest, SlowRequest, called};
use crate::error::CommandError;
use crate::server::state::ServerState;
use crate::server::stats::counters::{BlockedClient, get};
use futures_util::future::BoxFuture;

impl Inspect for ServerState {
    fn slow_requests(&self, most: usize) -> Vec<SlowRequest> {
        self.stats.slowlog.newest(most)
    }

    fn slow_requests_kept(&self) -> usize {
        self.stats.slowlog.count()
    }

    fn forget_slow_requests(&self) {
        self.stats.slowlog.reset();
    }

    fn refusals(&self, most: usize) -> Vec<RefusedRequest> {
        self.stats.refusals.newest(most)
    }

    fn forget_refusals(&self) {
        self.stats.refusals.reset();
    }

    fn latency_threshold_ms(&self) -> u64 {
        self.stats.latency.threshold_ms()
    }

    fn latency_events(&self) -> Vec<LatencyEvent> {
        self.stats.latency.events()
    }

    fn forget_latency_events(&self, names: &[Bytes]) -> usize {
        self.stats.latency.reset(names)
    }

    fn histograms(&self) -> Vec<CommandHistogram> {
        if !self.stats.counters.tracks_latency.load(Ordering::Relaxed) {
            return Vec::new();
        }
        let all = called::all().iter().zip(&self.stats.counters.commands).filter_map(|(called, stats)| {
            let micros = stats.durations.cumulative_by_powers();
            let calls = micros.last()?.1;
            Some(CommandHistogram { command: &called.name, calls, micros })
        });
        all.collect()
    }

    fn memory(&self) -> Memory {
        let resident = self.stats.samples.resident_bytes();
        Memory {
            resident,
            peak: get(&self.stats.samples.peak_bytes),
            startup: self.stats.samples.startup_bytes,
        }
    }

    fn last_save_seconds(&self) -> u64 {
        let age = self.group.snapshot_stats().since_last_good;
        age.map_or(self.started_ms, |age| self.clock.now_ms().saturating_sub(age.as_millis() as u64)) / 1000
    }

    fn save(&self) -> BoxFuture<'_, Result<(), CommandError>> {
        Box::pin(save(self))
    }

    fn replicas_with_all(&self, wanted: u64, patience: Option<Duration>) -> BoxFuture<'_, u64> {
        Box::pin(replicas_with_all(self, wanted, patience))
    }

    fn begin_stop(&self) -> Result<(), CommandError> {
        match self.stops.send_replace(true) {
            false => Ok(()),
            true => Err(CommandError::fixed("ERR the node is already stopping")),
        }
    }

    fn is_stopping(&self) -> bool {
        *self.stops.borrow()
    }
}

/// Interval at which SAVE checks whether its snapshot has ended; a check is cheap.
const POLL_INTERVAL: Duration = Duration::from_millis(5);

/// Waits until at least `wanted` members besides the leader, or all of them, are known to have
/// every entry that the log has now. The wait also ends when `patience` has passed, or when this
/// node does not lead or stops. Returns how many members are known to have the entries.
async fn replicas_with_all(state: &ServerState, wanted: u64, patience: Option<Duration>) -> u64 {
    let target = state.group.status().last_log_index;
    // Subscribed before the first check, so that no change is missed in between.
    let (mut changes, mut stops) = (state.group.changes(), state.stops.subscribe());
    let has_enough = || {
        let (known, others) = known_to_have(state, target);
        known >= wanted.min(others)
    };
    let waiting = async {
        // Only a leader learns of the other members' progress.
        while !has_enough() && state.group.status().is_leader() && !*stops.borrow_and_update() {
            tokio::select! {
                () = changes.next() => {}
                _ = stops.changed() => {}
            }
        }
    };
    if !has_enough() {
        let _blocked = BlockedClient::new(&state.stats.counters);
        match patience {
            Some(patience) => tokio::time::timeout(patience, waiting).await.unwrap_or_default(),
            None => waiting.await,
        }
    }
    known_to_have(state, target).0
}

/// The number of members besides the leader that are known to have the log up to `entry`, and the
/// number of all members besides the leader.
fn known_to_have(state: &ServerState, entry: Option<u64>) -> (u64, u64) {
    let status = state.group.status();
    let voters = status.members.iter().filter(|member| member.voter).count() as u64;
    let others = status.members.iter().filter(|member| member.id != status.node_id);
    let heard =
        others.filter(|member| status.is_leader() && member.matched.is_some() && member.matched >= entry);
    // An acknowledged entry is on a majority, even if this node does not know which members that
    // is.
    let known = (heard.count() as u64).max(voters / 2);
    (known, (status.members.len() as u64).saturating_sub(1))
}

/// Takes a snapshot of the applied state, and returns once it is on disk.
async fn save(state: &ServerState) -> Result<(), CommandError> {
    let failed =
        |reason: &dyn std::fmt::Display| CommandError::new(format!("ERR no snapshot was taken: {reason}"));
    if state.group.status().snapshot_running {
        return Err(CommandError::fixed("ERR Background save already in progress"));
    }
    let hindrance = || match state.group.status().removed {
        true => Some("this node was removed from its cluster"),
        false => state.stops.borrow().then_some("the node is stopping"),
    };
    let before = state.group.snapshot_stats().ended;
    state.group.trigger_snapshot().await.map_err(|fatal| failed(&fatal))?;
    let _blocked = BlockedClient::new(&state.stats.counters);
    while state.group.snapshot_stats().ended == before {
        if let Some(reason) = hindrance() {
            return Err(failed(&reason));
        }
        tokio::time::sleep(POLL_INTERVAL).await;
    }
    match state.group.status().snapshot_failed {
        true => Err(failed(&"the server log has the reason")),
        false => Ok(()),
    }
}
