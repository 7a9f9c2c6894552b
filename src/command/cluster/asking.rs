//! `ASKING`: a client of Redis Cluster says so before a request whose slot is being moved.

use super::DISABLED;
use crate::command::{Args, Command, Control, Flags, Group, KeySpec, Node, Session, Spec};
use crate::error::CommandError;
use crate::resp::Reply;

pub struct Asking;

impl Command for Asking {
    const SPEC: Spec = Spec {
        name: "ASKING",
        aliases: &[],
        arity: 1,
        keys: KeySpec::NONE,
        group: Group::Cluster,
        since: "3.0.0",
        complexity: "O(1)",
        summary: "Is accepted and means nothing: no slot is ever on its way between two nodes.",
        syntax: "",
    };
    const FLAGS: Flags = Flags {
        fast: true,
        without: &["noscript", "loading", "stale"],
        categories: &["@connection"],
        ..Flags::DEFAULT
    };
}

impl Control for Asking {
    fn run(_args: &mut Args<'_>, _session: &mut Session, node: &dyn Node) -> Result<Reply, CommandError> {
        if node.cluster_enabled() { Ok(Reply::OK) } else { Err(DISABLED) }
    }
}
