//! `MONITOR`: sends this connection every command that this node processes, until it is reset or
//! closed.

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
        summary: "Listens for all requests received by this node in real time.",
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
