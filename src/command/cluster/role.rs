//! Shows and transfers the role of this node, in Redis' terms.
//!
//! * `ROLE`: returns the role, with the replicas or the leader.
//! * `FAILOVER [TO host port [FORCE]] [TIMEOUT milliseconds]`: transfers leadership, like
//!   RAFT.TRANSFER_LEADER. `FAILOVER ABORT` returns an error, because a transfer cannot be aborted.

use super::text;
use crate::command::{
    Args, Command, Control, Flags, Group, KeySpec, Node, Operate, Peer, Running, Session, Spec,
};
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
        summary: "Reports whether this node leads (master) or follows (slave).",
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
            let replica = |peer: &Peer| {
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

const NO_REPLICAS: CommandError = CommandError::fixed("ERR FAILOVER requires connected replicas.");
const NO_TARGET: CommandError = CommandError::fixed("ERR FAILOVER target HOST and PORT is not a replica.");
const BAD_TIMEOUT: CommandError = CommandError::fixed("ERR FAILOVER timeout must be greater than 0");

/// The host and the port of the next leader; without them, the voter with the longest log becomes
/// the leader.
pub struct Failover(Option<(String, i64)>);

impl Command for Failover {
    const SPEC: Spec = Spec {
        name: "FAILOVER",
        aliases: &[],
        arity: -1,
        keys: KeySpec::NONE,
        group: Group::Server,
        since: "6.2.0",
        complexity: "O(1)",
        summary: "Hands leadership to another node, and replies once that node leads.",
        syntax: "[TO host port [FORCE]] [ABORT] [TIMEOUT milliseconds]",
    };
    const FLAGS: Flags = Flags { without: &["loading"], ..Flags::DEFAULT };
}

impl Operate for Failover {
    fn parse(args: &mut Args<'_>) -> Result<Failover, CommandError> {
        if args.left() == 1 && args.keyword("ABORT") {
            // A transfer succeeds or fails within the time of an election and cannot be aborted.
            // The error is that of Redis without a transfer in progress.
            return Err(CommandError::fixed("ERR No failover in progress."));
        }
        let mut target = None;
        while !args.is_empty() {
            if args.left() >= 3 && target.is_none() && args.keyword("TO") {
                target = Some((text(args.word()?)?, args.integer()?));
                // Accepted and ignored: a node that lacks committed entries cannot become the
                // leader.
                args.keyword("FORCE");
            } else if args.left() >= 2 && args.keyword("TIMEOUT") {
                if args.integer()? <= 0 {
                    return Err(BAD_TIMEOUT);
                }
            } else {
                return Err(CommandError::SYNTAX);
            }
        }
        Ok(Failover(target))
    }

    fn run(self, node: &dyn Node) -> Running<'_> {
        Box::pin(async move {
            let topology = node.topology();
            if topology.replicas().next().is_none() {
                return Err(NO_REPLICAS);
            }
            let to = match self.0 {
                None => None,
                Some((host, port)) => {
                    let is_target = |peer: &&Peer| peer.host == host && i64::from(peer.port) == port;
                    Some(topology.replicas().find(is_target).ok_or(NO_TARGET)?.id)
                }
            };
            node.transfer_leader(to).await.map(|()| Reply::OK)
        })
    }
}
