//! Converts between openraft's types and the bytes on disk and in messages. The layout is our own,
//! because an alpha version of openraft may change its types.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use openraft::EntryPayload;
use openraft::vote::RaftLeaderId;
use serde::{Deserialize, Serialize};

use super::types::{Entry, LogId, Membership, Payload, SnapshotMeta, StoredMembership, TypeConfig, Vote};
use crate::peer::{Member, StoredVote};

/// The first byte of a membership's payload. A batch begins with its version, which is far below
/// this value, and a blank entry has no payload, so the three kinds need no further tag.
const MEMBERSHIP_TAG: u8 = 0xff;

#[derive(Serialize, Deserialize)]
struct StoredMembers {
    configs: Vec<BTreeSet<u64>>,
    nodes: BTreeMap<u64, Member>,
}

/// The consensus part of a snapshot's header.
#[derive(Serialize, Deserialize)]
struct StoredMeta {
    last: Option<(u64, u64)>,
    members_at: Option<(u64, u64)>,
    members: StoredMembers,
}

/// Bytes whose checksum is right but whose layout is unknown.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("{0} has a layout that this version cannot read")]
pub struct Unreadable(&'static str);

pub fn log_id(index: u64, term: u64) -> LogId {
    LogId::new(
        <openraft::impls::leader_id_std::LeaderId<u64, u64> as RaftLeaderId>::Committed::new(term),
        index,
    )
}

/// Index and term.
pub fn pair(id: &LogId) -> (u64, u64) {
    (id.index(), id.committed_leader_id().term)
}

pub fn log_id_at((index, term): (u64, u64)) -> LogId {
    log_id(index, term)
}

pub fn store_vote(vote: &Vote) -> StoredVote {
    let leader = vote.leader_id();
    StoredVote { term: leader.term, node_id: *leader.node_id(), committed: vote.is_committed() }
}

pub fn load_vote(stored: StoredVote) -> Vote {
    match stored.committed {
        true => Vote::new_committed(stored.term, stored.node_id),
        false => Vote::new(stored.term, stored.node_id),
    }
}

pub fn encode_vote(vote: &Vote) -> Vec<u8> {
    postcard::to_stdvec(&store_vote(vote)).expect("encoding into memory succeeds")
}

pub fn decode_vote(bytes: &[u8]) -> Result<Vote, Unreadable> {
    postcard::from_bytes(bytes).map(load_vote).map_err(|_| Unreadable("the vote"))
}

pub fn encode_log_id(id: &LogId) -> Vec<u8> {
    postcard::to_stdvec(&pair(id)).expect("encoding into memory succeeds")
}

pub fn decode_log_id(bytes: &[u8]) -> Result<LogId, Unreadable> {
    let (index, term) = postcard::from_bytes(bytes).map_err(|_| Unreadable("the commit record"))?;
    Ok(log_id(index, term))
}

fn store_members(membership: &Membership) -> StoredMembers {
    StoredMembers {
        configs: membership.get_joint_config().clone(),
        nodes: membership.nodes().map(|(id, member)| (*id, member.clone())).collect(),
    }
}

fn load_members(stored: StoredMembers) -> Result<Membership, Unreadable> {
    if stored.configs.is_empty() && stored.nodes.is_empty() {
        return Ok(Membership::default());
    }
    Membership::new(stored.configs, stored.nodes).map_err(|_| Unreadable("the membership"))
}

/// The payload of an entry on disk and in an append.
pub fn encode_payload(payload: &EntryPayload<Payload, u64, Member>) -> Bytes {
    match payload {
        EntryPayload::Blank => Bytes::new(),
        EntryPayload::Normal(batch) => batch.0.clone(),
        EntryPayload::Membership(membership) => {
            let out = postcard::to_io(&store_members(membership), vec![MEMBERSHIP_TAG]);
            Bytes::from(out.expect("encoding into memory succeeds"))
        }
    }
}

pub fn decode_entry(index: u64, term: u64, payload: Bytes) -> Result<Entry, Unreadable> {
    let payload = match payload.first() {
        None => EntryPayload::Blank,
        Some(&MEMBERSHIP_TAG) => {
            let stored = postcard::from_bytes(&payload[1..]).map_err(|_| Unreadable("a membership entry"))?;
            EntryPayload::Membership(load_members(stored)?)
        }
        Some(_) => EntryPayload::Normal(Payload(payload)),
    };
    Ok(openraft::Entry { log_id: log_id(index, term), payload })
}

pub fn encode_meta(meta: &SnapshotMeta) -> Vec<u8> {
    let stored = StoredMeta {
        last: meta.last_log_id.as_ref().map(pair),
        members_at: meta.last_membership.log_id().as_ref().map(pair),
        members: store_members(meta.last_membership.membership()),
    };
    postcard::to_stdvec(&stored).expect("encoding into memory succeeds")
}

pub fn decode_meta(bytes: &[u8]) -> Result<SnapshotMeta, Unreadable> {
    let stored: StoredMeta =
        postcard::from_bytes(bytes).map_err(|_| Unreadable("the snapshot's description"))?;
    let id = |(index, term)| log_id(index, term);
    let members = load_members(stored.members)?;
    Ok(SnapshotMeta {
        last_log_id: stored.last.map(id),
        last_membership: StoredMembership::new(stored.members_at.map(id), members),
    })
}

/// openraft's description of a log that was purged up to `purged` and ends at `last`.
pub fn log_state(purged: Option<(u64, u64)>, last: Option<(u64, u64)>) -> openraft::LogState<TypeConfig> {
    let id = |(index, term)| log_id(index, term);
    openraft::LogState { last_purged_log_id: purged.map(id), last_log_id: last.or(purged).map(id) }
}
