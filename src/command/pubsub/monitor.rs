//! `MONITOR`: shows this connection every command that clients of this node send, until it is reset
//! or closed.

use crate::command::{Args, Command, Control, Flags, Group, KeySpec, Node, Session, Spec};
use crate::error::CommandError;
use crate::resp::Reply;

pub struct Monitor;

impl Command for Monitor {
    const SPEC: Spec = Spec {
        name: "MONITOR",
        aliases: &[],
        arity: 1,
        keys: KeySpec::NONE,
        group: Group::Server,
        since: "1.0.0",
        complexity: "",
        summary: "Shows this connection every command that clients of this node send.",
        syntax: "",
    };
    const FLAGS: Flags = Flags { not_in_multi: true, ..Flags::DEFAULT };
}

impl Control for Monitor {
    fn run(_args: &mut Args<'_>, session: &mut Session, node: &dyn Node) -> Result<Reply, CommandError> {
        session.monitors = true;
        node.client_registry().monitor(session.id, true);
        Ok(Reply::OK)
    }
}
