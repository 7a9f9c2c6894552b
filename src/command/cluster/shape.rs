//! The cluster in the replies of Redis Cluster, with the fields of Redis 7.

use crate::command::framework::slot::SLOTS;
use crate::command::{Peer, Topology};
use crate::resp::Reply;

/// `CLUSTER SLOTS`: one range with the leader before its replicas.
///
/// While no leader is known, this node takes its place: it waits for the next leader or answers
/// CLUSTERDOWN, and clients retry. They would give up on slots without a node.
pub fn slots(topology: &Topology) -> Reply {
    let Some(first) = topology.master().or(topology.own()) else { return Reply::Array(Vec::new()) };
    let others = topology.members.iter().filter(|peer| peer.id != first.id);
    let mut range = vec![Reply::Integer(0), Reply::Integer((SLOTS - 1).into())];
    range.extend(std::iter::once(first).chain(others).map(|peer| endpoint(topology, peer)));
    Reply::Array(vec![Reply::Array(range)])
}

fn endpoint(topology: &Topology, peer: &Peer) -> Reply {
    Reply::Array(vec![
        Reply::bulk(peer.host.clone()),
        Reply::Integer(peer.port.into()),
        Reply::bulk(topology.name(peer.id)),
        // Nodes have no further addresses.
        Reply::Map(Vec::new()),
    ])
}

/// `CLUSTER SHARDS`: one shard, the leader first.
pub fn shards(topology: &Topology) -> Reply {
    let slots = topology.slots().map(|(first, last)| [first, last].map(|slot| Reply::Integer(slot.into())));
    let nodes = topology.master().into_iter().chain(topology.replicas());
    Reply::Array(vec![Reply::Map(vec![
        (Reply::word("slots"), Reply::Array(slots.map_or_else(Vec::new, Vec::from))),
        (Reply::word("nodes"), Reply::Array(nodes.map(|peer| node_of_shard(topology, peer)).collect())),
    ])])
}

fn node_of_shard(topology: &Topology, peer: &Peer) -> Reply {
    let host = || Reply::bulk(peer.host.clone());
    let mut fields = vec![
        ("id", Reply::bulk(topology.name(peer.id))),
        ("port", Reply::Integer(peer.port.into())),
        ("ip", host()),
        ("endpoint", host()),
    ];
    if peer.has_hostname() {
        fields.push(("hostname", host()));
    }
    let leads = Some(peer.id) == topology.leader;
    fields.extend([
        ("role", Reply::word(if leads { "master" } else { "replica" })),
        ("replication-offset", Reply::Integer(peer.offset as i64)),
        ("health", Reply::word("online")),
    ]);
    Reply::Map(fields.into_iter().map(|(name, value)| (Reply::word(name), value)).collect())
}

/// `CLUSTER NODES`: a line for each member, in the order of their ids. Without a leader all are
/// replicas without a master.
pub fn nodes(topology: &Topology) -> Reply {
    let lines = topology.members.iter().map(|peer| node_line(topology, peer) + "\n");
    Reply::Verbatim(lines.collect::<String>().into())
}

/// `CLUSTER REPLICAS`: the lines of the replicas.
pub fn replicas(topology: &Topology) -> Reply {
    Reply::Array(topology.replicas().map(|peer| Reply::bulk(node_line(topology, peer))).collect())
}

/// `id host:port@port[,hostname] flags master ping-sent pong-received epoch link-state [slots]`
fn node_line(topology: &Topology, peer: &Peer) -> String {
    let myself = peer.id == topology.node_id;
    let leads = Some(peer.id) == topology.leader;
    let hostname = if peer.has_hostname() { format!(",{}", peer.host) } else { String::new() };
    let mut flags = Vec::new();
    flags.extend(myself.then_some("myself"));
    flags.push(if leads { "master" } else { "slave" });
    // A learner has no vote and cannot become the leader.
    flags.extend((!peer.voter).then_some("nofailover"));
    let master = topology.master().filter(|_| !leads);
    let master = master.map_or_else(|| "-".to_string(), |master| topology.name(master.id));
    let link = if myself || topology.leader.is_some() { "connected" } else { "disconnected" };
    let slots = topology.slots().filter(|_| leads);
    let slots = slots.map_or_else(String::new, |(first, last)| format!(" {first}-{last}"));
    format!(
        "{} {}@{}{hostname} {} {master} 0 0 {} {link}{slots}",
        topology.name(peer.id),
        peer.address(),
        peer.raft_port,
        flags.join(","),
        topology.term,
    )
}

/// `CLUSTER INFO`: the state is `fail` while no leader is known.
pub fn info(topology: &Topology) -> Reply {
    let known = topology.slots().is_some();
    let slots = if known { SLOTS } else { 0 };
    let fields = [
        ("cluster_state", if known { "ok" } else { "fail" }.to_string()),
        ("cluster_slots_assigned", slots.to_string()),
        ("cluster_slots_ok", slots.to_string()),
        ("cluster_slots_pfail", "0".to_string()),
        ("cluster_slots_fail", "0".to_string()),
        ("cluster_known_nodes", topology.members.len().to_string()),
        // The number of masters with slots.
        ("cluster_size", u8::from(known).to_string()),
        ("cluster_current_epoch", topology.term.to_string()),
        ("cluster_my_epoch", topology.term.to_string()),
        // There is no gossip.
        ("cluster_stats_messages_sent", "0".to_string()),
        ("cluster_stats_messages_received", "0".to_string()),
        ("total_cluster_links_buffer_limit_exceeded", "0".to_string()),
    ];
    let lines = fields.iter().map(|(name, value)| format!("{name}:{value}\r\n"));
    Reply::Verbatim(lines.collect::<String>().into())
}
