//! `RAFT.INFO`: the section `raft` of `INFO`.

use crate::command::{Args, Command, Control, Group, KeySpec, Node, Session, Spec};
use crate::error::CommandError;
use crate::resp::Reply;

pub struct RaftInfo;

impl Command for RaftInfo {
    const SPEC: Spec = Spec {
        name: "RAFT.INFO",
        aliases: &[],
        arity: 1,
        keys: KeySpec::NONE,
        group: Group::Cluster,
        since: "0.1.0",
        complexity: "O(1)",
        summary: "The state of the group as this node knows it, as INFO raft shows it.",
        syntax: "",
    };
}

impl Control for RaftInfo {
    fn run(_args: &mut Args<'_>, _session: &mut Session, node: &dyn Node) -> Result<Reply, CommandError> {
        Ok(Reply::Verbatim(node.info(&["raft".to_string()]).into()))
    }
}
