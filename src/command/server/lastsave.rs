//! `LASTSAVE`: when the last snapshot was complete.

use crate::command::{Args, Command, Control, Flags, Group, KeySpec, Node, Session, Spec};
use crate::error::CommandError;
use crate::resp::Reply;

pub struct Lastsave;

impl Command for Lastsave {
    const SPEC: Spec = Spec {
        name: "LASTSAVE",
        aliases: &[],
        arity: 1,
        keys: KeySpec::NONE,
        group: Group::Server,
        since: "1.0.0",
        complexity: "O(1)",
        summary: "When the last snapshot was complete, in unix seconds; before the first, when the node started.",
        syntax: "",
    };
    const FLAGS: Flags = Flags {
        fast: true,
        admin: Some(false),
        without: &["noscript"],
        categories: &["@admin", "@dangerous"],
        ..Flags::DEFAULT
    };
}

impl Control for Lastsave {
    fn run(_args: &mut Args<'_>, _session: &mut Session, node: &dyn Node) -> Result<Reply, CommandError> {
        Ok(Reply::Integer(node.last_save_seconds() as i64))
    }
}
