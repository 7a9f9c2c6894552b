//! `BGSAVE`: begins a snapshot.

use crate::command::{Args, Command, Control, Flags, Group, KeySpec, Node, Session, Spec};
use crate::error::CommandError;
use crate::resp::Reply;

pub struct Bgsave;

impl Command for Bgsave {
    const SPEC: Spec = Spec {
        name: "BGSAVE",
        aliases: &[],
        arity: -1,
        keys: KeySpec::NONE,
        group: Group::Server,
        since: "1.0.0",
        complexity: "O(1)",
        summary: "Begins a snapshot of the whole state; INFO tells when it is done.",
        syntax: "[SCHEDULE]",
    };
    const FLAGS: Flags =
        Flags { also: &["no_async_loading"], without: &["loading", "stale"], ..Flags::DEFAULT };
}

impl Control for Bgsave {
    fn run(args: &mut Args<'_>, _session: &mut Session, node: &dyn Node) -> Result<Reply, CommandError> {
        args.keyword("SCHEDULE");
        args.finish()?;
        match node.begin_snapshot() {
            true => Ok(Reply::Simple("Background saving started")),
            false => Err(CommandError::fixed("ERR Background save already in progress")),
        }
    }
}
