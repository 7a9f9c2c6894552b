//! `ROLE`: the role of this node, with its replicas or its leader.

use crate::command::{Args, Command, Control, Flags, Group, KeySpec, Node, Session, Spec};
use crate::error::CommandError;
use crate::resp::Reply;

pub struct Role;

impl Command for Role {
    const SPEC: Spec = Spec {
        name: "ROLE",
        aliases: &[],
        arity: 1,
        keys: KeySpec::NONE,
        group: Group::Server,
        since: "2.8.12",
        complexity: "O(1)",
        summary: "Returns the replication role: master for the leader, slave for others; offsets are indexes of the log.",
        syntax: "",
    };
    const FLAGS: Flags =
        Flags { fast: true, admin: Some(false), categories: &["@admin", "@dangerous"], ..Flags::DEFAULT };
}

impl Control for Role {
    fn run(_args: &mut Args<'_>, _session: &mut Session, node: &dyn Node) -> Result<Reply, CommandError> {
        let topology = node.topology();
        let offset = Reply::Integer(topology.own().map_or(0, |peer| peer.offset) as i64);
        if topology.is_leader() {
            let replica = |peer: &crate::command::Peer| {
                let words = [peer.host.clone(), peer.port.to_string(), peer.offset.to_string()];
                Reply::Array(words.map(Reply::bulk).into())
            };
            let replicas = Reply::Array(topology.replicas().map(replica).collect());
            return Ok(Reply::Array(vec![Reply::word("master"), offset, replicas]));
        }
        let (host, port, link) = match topology.master() {
            Some(leader) => (leader.host.clone(), leader.port, "connected"),
            None => (String::new(), 0, "connect"),
        };
        let leader = [Reply::bulk(host), Reply::Integer(port.into()), Reply::word(link)];
        Ok(Reply::Array([Reply::word("slave")].into_iter().chain(leader).chain([offset]).collect()))
    }
}
