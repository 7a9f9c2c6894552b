//! Changes of the cluster that operators request, and the cluster as clients of Redis Cluster see
//! it.
//!
//! The group makes the changes; this file checks the requests first, and turns failures into error
//! replies.

use super::join;
use crate::cluster::VersionReport;
use crate::command::{Peer, ReadConsistency, Topology, host_and_port};
use crate::config;
use crate::error::{CommandError, Unavailable};
use crate::keyspace::Scope;
use crate::peer::{Change, ChangeRefused, Member};
use crate::raft::MemberStatus;
use crate::resp::Reply;
use crate::server::state::{Restart, ServerState};
use crate::version::Versions;

/// Requests a change of the cluster from the group.
pub async fn change(state: &ServerState, change: Change) -> Result<(), CommandError> {
    check_not_removed(state)?;
    outcome(state.group.change(change).await)
}

/// Raises the cluster version as far as all members support.
pub async fn finalize(state: &ServerState) -> Result<(), CommandError> {
    check_not_removed(state)?;
    outcome(state.group.finalize().await)
}

/// The reply of `RAFT.CLUSTER VERSION`.
pub fn versions(report: &VersionReport) -> Reply {
    let number = |version: u32| Reply::Integer(i64::from(version));
    let member = |(id, versions): (&u64, &Result<Versions, String>)| {
        let mut fields = vec![(Reply::bulk("id"), Reply::Integer(*id as i64))];
        match versions {
            Ok(Versions { min, max }) => {
                fields.push((Reply::bulk("min-version"), number(*min)));
                fields.push((Reply::bulk("max-version"), number(*max)));
            }
            Err(reason) => fields.push((Reply::bulk("unknown"), Reply::bulk(reason.clone()))),
        }
        Reply::Map(fields)
    };
    Reply::Map(vec![
        (Reply::bulk("cluster-version"), number(report.cluster)),
        (Reply::bulk("min-version"), number(report.supported.min)),
        (Reply::bulk("max-version"), number(report.supported.max)),
        (Reply::bulk("next-version"), report.next.map_or(Reply::Null, number)),
        (Reply::bulk("members"), Reply::Array(report.members.iter().map(member).collect())),
    ])
}

fn check_not_removed(state: &ServerState) -> Result<(), CommandError> {
    match state.group.status().removed {
        true => Err(CommandError::new(Unavailable::Removed.to_string())),
        false => Ok(()),
    }
}

fn outcome(outcome: Result<(), ChangeRefused>) -> Result<(), CommandError> {
    outcome.map_err(|refused| match refused {
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

/// Adds a node to the cluster. Returns the cluster's name.
///
/// If no incarnation is given, the node itself is asked for it: a member is never added without the
/// incarnation of its data directory.
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

/// Restarts this node as a new member of another cluster.
///
/// The restart drops the node's data, so the node has to be empty. That is checked again once the
/// node accepts no more writes and the earlier ones have ended, so that no write can be
/// acknowledged between this check and the restart.
pub async fn join(state: &ServerState, address: String) -> Result<(), CommandError> {
    check_address(&address)?;
    check_nothing_is_lost(state)?;
    check_other(state, &address).await?;
    // Dropping the guard makes the node accept writes again.
    let Some(closed) = state.group.close_to_writes().await else {
        return Err(CommandError::fixed("ERR writes in progress did not finish in time"));
    };
    check_nothing_is_lost(state)?;
    closed.keep_closed();
    state.restarts.send_replace(Some(Restart::Join(address)));
    Ok(())
}

/// Restarts this node as the only member of its cluster, with its data, for an operator who has
/// lost the other members.
///
/// Refused while a majority answers, because the other members would then continue as well.
pub async fn forget_others(state: &ServerState) -> Result<(), CommandError> {
    if state.group.is_alone() {
        return Err(CommandError::fixed("ERR this node is the only member already"));
    }
    let status = state.group.status();
    if status.removed {
        return Err(CommandError::new(Unavailable::Removed.to_string()));
    }
    if status.last_log_index.is_none() {
        return Err(CommandError::fixed("ERR this node has no log to continue with"));
    }
    match state.group.read_barrier(ReadConsistency::Linearizable).await {
        Err(Unavailable::NoLeader | Unavailable::NoQuorum) => {
            state.restarts.send_replace(Some(Restart::Alone));
            Ok(())
        }
        // Any other error counts as an answer of a majority: a full disk, for example, is reported
        // only after one.
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

/// Checks, before this node restarts, that the node at `address` answers and can add this node.
async fn check_other(state: &ServerState, address: &str) -> Result<(), CommandError> {
    let password = state.config.read().join_password().map(str::to_owned);
    let found = join::probe(address, password.as_deref()).await?;
    if found.run_id == state.run_id {
        return Err(CommandError::new(format!("ERR {address} is this node itself")));
    }
    if found.removed {
        return Err(CommandError::new(format!("ERR {address} was removed from its cluster: name a member")));
    }
    let status = state.group.status();
    let id = status.node_id;
    let own = status.own().map(|own| &own.member.client_address);
    // A member with this node's address can only be this node: it has tried to join before.
    match found.members.iter().find(|(member, _)| *member == id) {
        Some((_, other)) if Some(other) != own => Err(CommandError::new(format!(
            "ERR node {id} is a member there already, at {other}: start this one with another --node-id"
        ))),
        _ => Ok(()),
    }
}

/// Keys per scan step: between steps, writes can lock the keyspace.
const KEYS_AT_ONCE: usize = 1000;

/// The members and the leader, as far as this node knows.
pub fn topology(state: &ServerState) -> Topology {
    let status = state.group.status();
    let peer = |known: &MemberStatus| {
        let (host, port) = host_and_port(&known.member.client_address);
        let own = known.id == status.node_id;
        let offset = if own { status.last_applied } else { known.matched };
        let (id, voter, offset) = (known.id, known.voter, offset.unwrap_or(0));
        Peer { id, host, port, raft_port: host_and_port(&known.member.raft_address).1, voter, offset }
    };
    let gone = |known: &MemberStatus| status.removed && known.id == status.node_id;
    Topology {
        cluster: state.group.cluster().to_string(),
        node_id: status.node_id,
        // A removed node does not learn of new leaders, so the one that it knows may be outdated.
        leader: status.leader.filter(|_| !status.removed),
        term: status.term,
        members: status.members.iter().filter(|known| !gone(known)).map(peer).collect(),
    }
}

/// Calls `take` with every key, until `take` returns `false`.
pub fn for_each_key(state: &ServerState, take: &mut dyn FnMut(&[u8]) -> bool) {
    let (mut cursor, mut wants_more) = (0, true);
    while wants_more {
        let view = state.keyspace.view(Scope::OneKey, state.group.now_ms());
        cursor = view.scan(cursor, KEYS_AT_ONCE, |key, _| wants_more = wants_more && take(key));
        wants_more &= cursor != 0;
    }
}
