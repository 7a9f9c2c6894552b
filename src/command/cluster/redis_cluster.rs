//! `CLUSTER subcommand ..`: the cluster as a Redis Cluster whose only master, the leader, has all
//! slots.

use bytes::Bytes;

use super::{DISABLED, shape};
use crate::command::framework::slot::{self, SLOTS};
use crate::command::{Args, Command, Control, Flags, Group, KeySpec, Node, Session, Spec, Subcommand};
use crate::error::CommandError;
use crate::resp::Reply;

const HELP: &[&str] = &[
    "CLUSTER <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
    "COUNTKEYSINSLOT <slot>",
    "    Return the number of keys in <slot>.",
    "GETKEYSINSLOT <slot> <count>",
    "    Return key names stored by this node in a slot.",
    "INFO",
    "    Return information about the cluster.",
    "KEYSLOT <key>",
    "    Return the hash slot for <key>.",
    "LINKS",
    "    Return links of the cluster bus: there are none.",
    "MYID",
    "    Return the node id.",
    "NODES",
    "    Return the cluster as seen by this node.",
    "REPLICAS <node-id>",
    "    Return the replicas of <node-id>.",
    "SHARDS",
    "    Return the one shard and its nodes.",
    "SLOTS",
    "    Return the slots with their nodes, the leader first.",
    "HELP",
    "    Print this help.",
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
        complexity: "As that of the subcommand",
        summary: "A container for Redis Cluster commands: the leader is the only master and has all slots.",
        syntax: "",
    };
    const FLAGS: Flags = Flags { without: &["noscript", "loading"], ..Flags::DEFAULT };
    const SUBCOMMANDS: &'static [Subcommand] = &[
        Subcommand::new("SLOTS", "", "3.0.0", "O(N) with N the nodes").without(&["noscript"]),
        Subcommand::new("SHARDS", "", "7.0.0", "O(N) with N the nodes").without(&["noscript"]),
        Subcommand::new("NODES", "", "3.0.0", "O(N) with N the nodes"),
        Subcommand::new("INFO", "", "3.0.0", "O(1)"),
        Subcommand::new("MYID", "", "3.0.0", "O(1)"),
        Subcommand::new("LINKS", "", "7.0.0", "O(N) with N the nodes"),
        Subcommand::new("KEYSLOT", "name", "3.0.0", "O(N) with N the bytes of the key"),
        Subcommand::new("COUNTKEYSINSLOT", "slot", "3.0.0", "O(1)"),
        Subcommand::new("GETKEYSINSLOT", "slot count", "3.0.0", "O(N) with N the keys that are asked for"),
        Subcommand::new("REPLICAS", "node-id", "5.0.0", "O(N) with N the replicas").admin(),
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
            (b"SLOTS", 0) => Ok(shape::slots(&node.topology())),
            (b"SHARDS", 0) => Ok(shape::shards(&node.topology())),
            (b"NODES", 0) => Ok(shape::nodes(&node.topology())),
            (b"INFO", 0) => Ok(shape::info(&node.topology())),
            // Members use Raft's connections, which are not links of a cluster bus.
            (b"LINKS", 0) => Ok(Reply::Array(Vec::new())),
            (b"MYID", 0) => {
                let topology = node.topology();
                Ok(Reply::bulk(topology.name(topology.node_id)))
            }
            (b"KEYSLOT", 1) => Ok(Reply::Integer(slot::of(args.word()?).into())),
            (b"COUNTKEYSINSLOT", 1) => count_keys(args, node),
            (b"GETKEYSINSLOT", 2) => keys(args, node),
            (b"REPLICAS" | b"SLAVES", 1) => replicas(args.word()?, node),
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

fn replicas(name: &[u8], node: &dyn Node) -> Result<Reply, CommandError> {
    let topology = node.topology();
    let unknown = || CommandError::new(format!("ERR Unknown node {}", String::from_utf8_lossy(name)));
    let peer = topology.peer_named(name).ok_or_else(unknown)?;
    if Some(peer.id) != topology.leader {
        return Err(CommandError::fixed("ERR The specified node is not a master"));
    }
    Ok(shape::replicas(&topology))
}
