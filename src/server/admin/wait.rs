//! Commands that wait for the group: for members to come along, for a snapshot to be on disk.
//!
//! Invariant: nothing waits for ever once the node stops or was removed.

use std::time::Duration;

use crate::error::CommandError;
use crate::server::state::ServerState;
use crate::server::stats::counters::BlockedClient;

/// How often a snapshot is looked at: it takes longer, and a look is cheap.
const LOOK_AGAIN: Duration = Duration::from_millis(5);

/// How many members besides the leader are known to have what was acknowledged before; waits until
/// it is as many as wanted, or as there are.
pub async fn replicas_with_all(state: &ServerState, wanted: u64, patience: Option<Duration>) -> u64 {
    let target = state.group.status().last_log_index;
    // Before the first look: no change is missed.
    let (mut changes, mut stops) = (state.group.changes(), state.stops.subscribe());
    let has_enough = || {
        let (known, others) = known_to_have(state, target);
        known >= wanted.min(others)
    };
    let waiting = async {
        // Only a leader hears of the others.
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

/// How many members besides the leader are known to have the entry and what was acknowledged before
/// it; and how many members besides the leader there are.
fn known_to_have(state: &ServerState, entry: Option<u64>) -> (u64, u64) {
    let status = state.group.status();
    let voters = status.members.iter().filter(|member| member.voter).count() as u64;
    let others = status.members.iter().filter(|member| member.id != status.node_id);
    let heard =
        others.filter(|member| status.is_leader() && member.matched.is_some() && member.matched >= entry);
    // What was acknowledged is on a majority, even where it is not known on whom.
    let known = (heard.count() as u64).max(voters / 2);
    (known, (status.members.len() as u64).saturating_sub(1))
}

/// Takes a snapshot of what is applied now, and returns when it is on disk.
pub async fn save(state: &ServerState) -> Result<(), CommandError> {
    let failed =
        |reason: &dyn std::fmt::Display| CommandError::new(format!("ERR no snapshot was taken: {reason}"));
    if state.group.status().snapshot_running {
        return Err(CommandError::fixed("ERR Background save already in progress"));
    }
    let hindrance = || match state.group.status().removed {
        true => Some("this node was removed from its cluster"),
        false => state.stops.borrow().then_some("the node stops"),
    };
    let before = state.group.snapshot_stats().ended;
    state.group.trigger_snapshot().await.map_err(|fatal| failed(&fatal))?;
    let _blocked = BlockedClient::new(&state.stats.counters);
    while state.group.snapshot_stats().ended == before {
        if let Some(reason) = hindrance() {
            return Err(failed(&reason));
        }
        tokio::time::sleep(LOOK_AGAIN).await;
    }
    match state.group.status().snapshot_failed {
        true => Err(failed(&"the messages of the node tell why")),
        false => Ok(()),
    }
}
