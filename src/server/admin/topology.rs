//! The group as clients of Redis Cluster see it.

use crate::command::{Peer, Topology, host_and_port};
use crate::keyspace::Scope;
use crate::raft::MemberStatus;
use crate::server::state::ServerState;

/// So many keys are looked at before others have their turn at the keyspace.
const KEYS_AT_ONCE: usize = 1000;

/// The members and who leads, as this node knows it.
pub fn of(state: &ServerState) -> Topology {
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
        // A node that was removed hears of no new leader.
        leader: status.leader.filter(|_| !status.removed),
        term: status.term,
        members: status.members.iter().filter(|known| !gone(known)).map(peer).collect(),
    }
}

/// Calls `take` with every key until it has enough.
pub fn for_each_key(state: &ServerState, take: &mut dyn FnMut(&[u8]) -> bool) {
    let (mut cursor, mut wants_more) = (0, true);
    while wants_more {
        let view = state.keyspace.view(Scope::OneKey, state.group.now_ms());
        cursor = view.scan(cursor, KEYS_AT_ONCE, |key, _| wants_more = wants_more && take(key.as_bytes()));
        wants_more &= cursor != 0;
    }
}
