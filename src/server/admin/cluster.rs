//! What operators ask of the cluster, put to the group.

use super::join;
use crate::command::ReadConsistency;
use crate::config;
use crate::error::{CommandError, Unavailable};
use crate::peer::{Change, ChangeRefused, Member};
use crate::server::state::{Restart, ServerState};

/// Has the group make a change.
pub async fn change(state: &ServerState, change: Change) -> Result<(), CommandError> {
    if state.group.status().removed {
        return Err(CommandError::new(Unavailable::Removed.to_string()));
    }
    state.group.change(change).await.map_err(|refused| match refused {
        ChangeRefused::NotLeader => {
            CommandError::fixed("CLUSTERDOWN no leader is known; nothing was changed")
        }
        ChangeRefused::Impossible(reason) => CommandError::new(format!("ERR {reason}")),
        ChangeRefused::Later(reason) => CommandError::new(format!("TRYAGAIN {reason}; nothing was changed")),
        ChangeRefused::Unknown(reason) => {
            CommandError::new(format!("UNCERTAIN the change may or may not have been made: {reason}"))
        }
    })
}

/// Takes a node in; the name of the cluster that it is of now.
///
/// Without an incarnation the node is asked for it: a number is never added for a directory that
/// nobody has seen.
pub async fn add(
    state: &ServerState,
    id: u64,
    client: String,
    raft: String,
    incarnation: Option<u64>,
) -> Result<String, CommandError> {
    check_address(&client)?;
    check_address(&raft)?;
    let incarnation = match incarnation {
        Some(incarnation) => Some(incarnation),
        None => state.group.ask_incarnation(id, &raft).await,
    };
    let incarnation = incarnation.ok_or_else(|| {
        let reason = format!("ERR node {id} does not answer at {raft}: start it with --join, which adds it");
        CommandError::new(reason)
    })?;
    let member = Member { raft_address: raft, client_address: client, incarnation };
    change(state, Change::Add { id, member }).await?;
    Ok(state.group.cluster().to_string())
}

fn check_address(address: &str) -> Result<(), CommandError> {
    let port = config::port(address);
    port.map(drop).ok_or_else(|| CommandError::new(format!("ERR {address:?} is not host:port")))
}

/// Has this node start again as a new member of another cluster. What it had is given up, so it has
/// to be nothing: a write that is acknowledged before this is seen here, and none is acknowledged
/// after it.
pub async fn join(state: &ServerState, address: String) -> Result<(), CommandError> {
    check_address(&address)?;
    check_nothing_is_lost(state)?;
    check_other(state, &address).await?;
    // Dropped, whatever the reason, it lets writes in again.
    let Some(closed) = state.group.close_to_writes().await else {
        return Err(CommandError::fixed("ERR writes that are under way did not end"));
    };
    check_nothing_is_lost(state)?;
    closed.for_good();
    state.restarts.send_replace(Some(Restart::Join(address)));
    Ok(())
}

/// Has this node start again as the only member of its cluster, with what it has: the others are
/// lost.
///
/// While a majority answers they are not, and would go on as well.
pub async fn forget_others(state: &ServerState) -> Result<(), CommandError> {
    if state.group.is_alone() {
        return Err(CommandError::fixed("ERR this node is the only member already"));
    }
    let status = state.group.status();
    if status.removed {
        return Err(CommandError::new(Unavailable::Removed.to_string()));
    }
    if status.last_log_index.is_none() {
        return Err(CommandError::fixed("ERR this node has nothing to go on with"));
    }
    match state.group.read_barrier(ReadConsistency::Linearizable).await {
        Err(Unavailable::NoLeader | Unavailable::NoQuorum) => {
            state.restarts.send_replace(Some(Restart::Alone));
            Ok(())
        }
        // Also with a full disk, or far behind: what the read has to see was asked of a majority.
        Ok(_) | Err(_) => {
            Err(CommandError::fixed("ERR a majority answers: remove members with RAFT.NODE REMOVE"))
        }
    }
}

fn check_nothing_is_lost(state: &ServerState) -> Result<(), CommandError> {
    if !state.group.is_loaded() {
        return Err(CommandError::new(Unavailable::Loading.to_string()));
    }
    if !state.group.is_alone() {
        return Err(CommandError::fixed("ERR this node is a member of a cluster already"));
    }
    match state.keyspace.is_empty() {
        true => Ok(()),
        false => {
            Err(CommandError::fixed("ERR this node has keys, which joining would lose: start an empty one"))
        }
    }
}

/// Whether the node at `address` is there, and may take this one in, as far as it can be told
/// beforehand.
async fn check_other(state: &ServerState, address: &str) -> Result<(), CommandError> {
    let password = state.config.read().join_password().map(str::to_owned);
    let seen = join::look(address, password.as_deref()).await?;
    if seen.run_id == state.run_id {
        return Err(CommandError::new(format!("ERR {address} is this node itself")));
    }
    if seen.removed {
        return Err(CommandError::new(format!("ERR {address} was removed from its cluster: name a member")));
    }
    let status = state.group.status();
    let id = status.node_id;
    let own = status.own().map(|own| &own.member.client_address);
    // One that has this node's address is this node, which began to join before.
    match seen.members.iter().find(|(member, _)| *member == id) {
        Some((_, other)) if Some(other) != own => Err(CommandError::new(format!(
            "ERR node {id} is a member there already, at {other}: start this one with another --node-id"
        ))),
        _ => Ok(()),
    }
}
