//! Between openraft's types and the bytes on disk, in a layout of our own: an alpha may change its types.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use openraft::EntryPayload;
use openraft::vote::RaftLeaderId;
use serde::{Deserialize, Serialize};

use super::types::{
    Entry, LogId, Member, Membership, Payload, SnapshotMeta, StoredMembership, TypeConfig, Vote,
};

/// The first byte of a membership's payload. A batch begins with its version, which is far below, and a blank
/// entry has no payload, so the three kinds of entry are told apart without a field of their own.
const MEMBERSHIP_TAG: u8 = 0xfe;
/// A membership from before members had an incarnation.
const OLD_MEMBERSHIP_TAG: u8 = 0xff;
/// The first byte of a snapshot's description. Before members had an incarnation it began with a flag, 0 or 1.
const META_TAG: u8 = 0xfe;

/// A vote, on disk and between nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredVote {
    pub term: u64,
    pub node_id: u64,
    pub committed: bool,
}

#[derive(Serialize, Deserialize)]
struct StoredMembers<M = Member> {
    configs: Vec<BTreeSet<u64>>,
    nodes: BTreeMap<u64, M>,
}

/// A member as it was stored before it had an incarnation.
#[derive(Serialize, Deserialize)]
struct OldMember {
    raft_address: String,
    client_address: String,
}

impl From<StoredMembers<OldMember>> for StoredMembers {
    fn from(old: StoredMembers<OldMember>) -> StoredMembers {
        let member = |OldMember { raft_address, client_address }| Member {
            raft_address,
            client_address,
            // That of a directory of that time.
            incarnation: 0,
        };
        let nodes = old.nodes.into_iter().map(|(id, old)| (id, member(old))).collect();
        StoredMembers { configs: old.configs, nodes }
    }
}

/// What the header of a snapshot says of it.
#[derive(Serialize, Deserialize)]
struct StoredMeta<M = Member> {
    last: Option<(u64, u64)>,
    members_at: Option<(u64, u64)>,
    members: StoredMembers<M>,
}

impl From<StoredMeta<OldMember>> for StoredMeta {
    fn from(old: StoredMeta<OldMember>) -> StoredMeta {
        StoredMeta { last: old.last, members_at: old.members_at, members: old.members.into() }
    }
}

/// Bytes on disk that are not of this layout, though their checksum was right.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("{0} is not in a layout that this version reads")]
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

pub fn place((index, term): (u64, u64)) -> LogId {
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
    postcard::to_stdvec(&store_vote(vote)).expect("a vote encodes into memory")
}

pub fn decode_vote(bytes: &[u8]) -> Result<Vote, Unreadable> {
    postcard::from_bytes(bytes).map(load_vote).map_err(|_| Unreadable("the vote"))
}

pub fn encode_log_id(id: &LogId) -> Vec<u8> {
    postcard::to_stdvec(&pair(id)).expect("a log id encodes into memory")
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

/// The payload of an entry's record on disk.
pub fn encode_payload(payload: &EntryPayload<Payload, u64, Member>) -> Bytes {
    match payload {
        EntryPayload::Blank => Bytes::new(),
        EntryPayload::Normal(batch) => batch.0.clone(),
        EntryPayload::Membership(membership) => {
            let out = postcard::to_io(&store_members(membership), vec![MEMBERSHIP_TAG]);
            Bytes::from(out.expect("a membership encodes into memory"))
        }
    }
}

pub fn decode_entry(index: u64, term: u64, payload: Bytes) -> Result<Entry, Unreadable> {
    let payload = match payload.first() {
        None => EntryPayload::Blank,
        Some(&tag @ (MEMBERSHIP_TAG | OLD_MEMBERSHIP_TAG)) => {
            let stored = match tag {
                MEMBERSHIP_TAG => postcard::from_bytes(&payload[1..]),
                _ => postcard::from_bytes::<StoredMembers<OldMember>>(&payload[1..]).map(Into::into),
            };
            EntryPayload::Membership(load_members(stored.map_err(|_| Unreadable("a membership entry"))?)?)
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
    postcard::to_io(&stored, vec![META_TAG]).expect("a snapshot's description encodes into memory")
}

pub fn decode_meta(bytes: &[u8]) -> Result<SnapshotMeta, Unreadable> {
    let stored: Result<StoredMeta, _> = match bytes.split_first() {
        Some((&META_TAG, stored)) => postcard::from_bytes(stored),
        _ => postcard::from_bytes::<StoredMeta<OldMember>>(bytes).map(Into::into),
    };
    let stored = stored.map_err(|_| Unreadable("the snapshot's description"))?;
    let id = |(index, term)| log_id(index, term);
    let members = load_members(stored.members)?;
    Ok(SnapshotMeta {
        last_log_id: stored.last.map(id),
        last_membership: StoredMembership::new(stored.members_at.map(id), members),
    })
}

/// The state of a log that holds nothing, or that ends at `last`.
pub fn log_state(purged: Option<(u64, u64)>, last: Option<(u64, u64)>) -> openraft::LogState<TypeConfig> {
    let id = |(index, term)| log_id(index, term);
    openraft::LogState { last_purged_log_id: purged.map(id), last_log_id: last.or(purged).map(id) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn old_members() -> StoredMembers<OldMember> {
        let member = OldMember { raft_address: "a:1".to_string(), client_address: "a:2".to_string() };
        StoredMembers { configs: vec![BTreeSet::from([1])], nodes: BTreeMap::from([(1, member)]) }
    }

    fn member(incarnation: u64) -> Member {
        Member { raft_address: "a:1".to_string(), client_address: "a:2".to_string(), incarnation }
    }

    #[test]
    fn members_without_an_incarnation_are_read_as_of_incarnation_0() {
        let payload = postcard::to_io(&old_members(), vec![OLD_MEMBERSHIP_TAG]).unwrap();
        let entry = decode_entry(0, 0, payload.into()).unwrap();
        let EntryPayload::Membership(members) = &entry.payload else { panic!("a membership") };
        assert_eq!(members.get_node(&1), Some(&member(0)));
        let meta = StoredMeta { last: Some((7, 1)), members_at: Some((0, 0)), members: old_members() };
        let meta = decode_meta(&postcard::to_stdvec(&meta).unwrap()).unwrap();
        assert_eq!(meta.last_membership.membership().get_node(&1), Some(&member(0)));
        assert_eq!(meta.last_log_id, Some(log_id(7, 1)));
    }

    #[test]
    fn a_membership_keeps_its_incarnations() {
        let nodes = BTreeMap::from([(1, member(u64::MAX))]);
        let membership = Membership::new(vec![BTreeSet::from([1])], nodes).unwrap();
        let payload = encode_payload(&EntryPayload::Membership(membership.clone()));
        assert_eq!(
            decode_entry(3, 2, payload).unwrap().payload,
            EntryPayload::Membership(membership.clone())
        );
        let last_membership = StoredMembership::new(Some(log_id(3, 2)), membership);
        let meta = SnapshotMeta { last_log_id: Some(log_id(9, 2)), last_membership };
        assert_eq!(decode_meta(&encode_meta(&meta)).unwrap(), meta);
    }
}
