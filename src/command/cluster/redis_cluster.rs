//! `CLUSTER subcommand ..`: presents the cluster as a Redis Cluster whose only master, the leader,
//! owns all slots. The replies have the fields of Redis 7.

use bytes::Bytes;

use super::DISABLED;
use crate::command::framework::slot::{self, SLOTS};
use crate::command::{
    Args, Command, Control, Flags, Group, KeySpec, Node, Peer, Session, Spec, Subcommand, Topology,
};
use crate::error::CommandError;
use crate::resp::Reply;

const HELP: &[&str] = &[
    "CLUSTER <subcommand> [argument ...], with one of these subcommands:",
    "COUNTKEYSINSLOT <slot>",
    "    The number of keys in this slot.",
    "GETKEYSINSLOT <slot> <count>",
    "    The names of up to this many keys in this slot.",
    "INFO",
    "    The state of the cluster, in the fields of Redis.",
    "KEYSLOT <key>",
    "    The slot of this key.",
    "LINKS",
    "    An empty list, because there is no cluster bus.",
    "MYID",
    "    The id of this node.",
    "NODES",
    "    The nodes that this node knows, one per line.",
    "REPLICAS <node-id>",
    "    The nodes that follow the leader with this id.",
    "SHARDS",
    "    The only shard, with its slots and nodes.",
    "SLOTS",
    "    All slots as one range, with the leader before the other nodes.",
    "HELP",
    "    This list.",
];

pub struct RedisCluster;

impl Command for RedisCluster {
    const SPEC: Spec = Spec {
        name: "CLUSTER",
        aliases: &[],
        arity: -2,
        keys: KeySpec::NONE,
        group: Group::Cluster,
        since: "3.0.0",
        complexity: "That of the subcommand",
        summary: "Presents the leader as the only master of a Redis Cluster.",
        syntax: "",
    };
    const FLAGS: Flags = Flags { without: &["noscript", "loading"], ..Flags::DEFAULT };
    const SUBCOMMANDS: &'static [Subcommand] = &[
        Subcommand::new(
            "SLOTS",
            "",
            "3.0.0",
            "O(N), N: nodes",
            "Lists the slots as one range with all nodes, the leader first.",
        )
        .without(&["noscript"]),
        Subcommand::new(
            "SHARDS",
            "",
            "7.0.0",
            "O(N), N: nodes",
            "Lists the only shard with its slots and nodes.",
        )
        .without(&["noscript"]),
        Subcommand::new(
            "NODES",
            "",
            "3.0.0",
            "O(N), N: nodes",
            "Lists the nodes that this node knows, one per line.",
        ),
        Subcommand::new(
            "INFO",
            "",
            "3.0.0",
            "O(1)",
            "Shows the state of the cluster in the fields of Redis.",
        ),
        Subcommand::new("MYID", "", "3.0.0", "O(1)", "Reports the id of this node."),
        Subcommand::new(
            "LINKS",
            "",
            "7.0.0",
            "O(N), N: nodes",
            "Lists nothing, because there is no cluster bus.",
        ),
        Subcommand::new(
            "KEYSLOT",
            "name",
            "3.0.0",
            "O(N), N: bytes of the key",
            "Computes the slot of a key.",
        ),
        Subcommand::new("COUNTKEYSINSLOT", "slot", "3.0.0", "O(1)", "Counts the keys in a slot."),
        Subcommand::new(
            "GETKEYSINSLOT",
            "slot count",
            "3.0.0",
            "O(N), N: keys requested",
            "Lists the names of keys in a slot.",
        ),
        Subcommand::new(
            "REPLICAS",
            "node-id",
            "5.0.0",
            "O(N), N: followers",
            "Lists the nodes that follow the leader.",
        )
        .admin(),
        Subcommand::help("5.0.0"),
    ];
}

impl Control for RedisCluster {
    fn run(args: &mut Args<'_>, _session: &mut Session, node: &dyn Node) -> Result<Reply, CommandError> {
        let word = args.word()?;
        if !node.cluster_enabled() {
            let known = Self::SUBCOMMANDS.iter().any(|one| one.name.as_bytes().eq_ignore_ascii_case(word));
            return Err(if known { DISABLED } else { args.wrong_subcommand(word) });
        }
        match (&word.to_ascii_uppercase()[..], args.left()) {
            (b"SLOTS", 0) => Ok(slots(&node.topology())),
            (b"SHARDS", 0) => Ok(shards(&node.topology())),
            (b"NODES", 0) => Ok(nodes(&node.topology())),
            (b"INFO", 0) => Ok(info(&node.topology())),
            // Members use Raft connections, which are not links of a cluster bus.
            (b"LINKS", 0) => Ok(Reply::Array(Vec::new())),
            (b"MYID", 0) => {
                let topology = node.topology();
                Ok(Reply::bulk(topology.name(topology.node_id)))
            }
            (b"KEYSLOT", 1) => Ok(Reply::Integer(slot::of(args.word()?).into())),
            (b"COUNTKEYSINSLOT", 1) => count_keys(args, node),
            (b"GETKEYSINSLOT", 2) => keys(args, node),
            (b"REPLICAS" | b"SLAVES", 1) => replicas_of(args.word()?, node),
            (b"HELP", 0) => Ok(Reply::Array(HELP.iter().map(|line| Reply::Simple(line)).collect())),
            _ => Err(args.wrong_subcommand(word)),
        }
    }
}

fn count_keys(args: &mut Args<'_>, node: &dyn Node) -> Result<Reply, CommandError> {
    let wanted = slot_in(args.integer()?).ok_or(CommandError::fixed("ERR Invalid slot"))?;
    let mut count = 0;
    node.for_each_key(&mut |key| {
        count += i64::from(slot::of(key) == wanted);
        true
    });
    Ok(Reply::Integer(count))
}

fn keys(args: &mut Args<'_>, node: &dyn Node) -> Result<Reply, CommandError> {
    let (wanted, most) = (slot_in(args.integer()?), usize::try_from(args.integer()?));
    let (Some(wanted), Ok(most)) = (wanted, most) else {
        return Err(CommandError::fixed("ERR Invalid slot or number of keys"));
    };
    let mut found = Vec::new();
    node.for_each_key(&mut |key| {
        if found.len() < most && slot::of(key) == wanted {
            found.push(Reply::Bulk(Bytes::copy_from_slice(key)));
        }
        found.len() < most
    });
    Ok(Reply::Array(found))
}

fn slot_in(number: i64) -> Option<u16> {
    u16::try_from(number).ok().filter(|slot| *slot < SLOTS)
}

fn replicas_of(name: &[u8], node: &dyn Node) -> Result<Reply, CommandError> {
    let topology = node.topology();
    let unknown = || CommandError::new(format!("ERR Unknown node {}", String::from_utf8_lossy(name)));
    let peer = topology.peer_named(name).ok_or_else(unknown)?;
    if Some(peer.id) != topology.leader {
        return Err(CommandError::fixed("ERR The specified node is not a master"));
    }
    Ok(replicas(&topology))
}

/// `CLUSTER SLOTS`: one range of slots, with the leader before its replicas.
///
/// While no leader is known, this node is listed in the leader's place, because clients give up on
/// slots without a node. Requests to this node then wait for the next leader or get CLUSTERDOWN,
/// and clients retry.
fn slots(topology: &Topology) -> Reply {
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
        // Nodes have no other addresses.
        Reply::Map(Vec::new()),
    ])
}

/// `CLUSTER SHARDS`: one shard, the leader first.
fn shards(topology: &Topology) -> Reply {
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

/// `CLUSTER NODES`: one line for each member, in the order of their ids. While no leader is known,
/// all members are shown as replicas without a master.
fn nodes(topology: &Topology) -> Reply {
    let lines = topology.members.iter().map(|peer| node_line(topology, peer) + "\n");
    Reply::Verbatim(lines.collect::<String>().into())
}

/// `CLUSTER REPLICAS`: the lines of all members except the leader.
fn replicas(topology: &Topology) -> Reply {
    Reply::Array(topology.replicas().map(|peer| Reply::bulk(node_line(topology, peer))).collect())
}

/// Formats a member as `id host:port@port[,hostname] flags master ping-sent pong-received epoch
/// link-state [slots]`.
fn node_line(topology: &Topology, peer: &Peer) -> String {
    let myself = peer.id == topology.node_id;
    let leads = Some(peer.id) == topology.leader;
    let hostname = if peer.has_hostname() { format!(",{}", peer.host) } else { String::new() };
    let mut flags = Vec::new();
    flags.extend(myself.then_some("myself"));
    flags.push(if leads { "master" } else { "slave" });
    // A learner has no vote, so it cannot become the leader.
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
fn info(topology: &Topology) -> Reply {
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
        // No gossip messages exist.
        ("cluster_stats_messages_sent", "0".to_string()),
        ("cluster_stats_messages_received", "0".to_string()),
        ("total_cluster_links_buffer_limit_exceeded", "0".to_string()),
    ];
    let lines = fields.iter().map(|(name, value)| format!("{name}:{value}\r\n"));
    Reply::Verbatim(lines.collect::<String>().into())
}
