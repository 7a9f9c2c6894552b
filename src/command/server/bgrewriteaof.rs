//! `BGREWRITEAOF`: begins a snapshot, after which the log is cut: what rewriting the append only file is in Redis.

use crate::command::{Args, Command, Control, Flags, Group, KeySpec, Node, Session, Spec};
use crate::error::CommandError;
use crate::resp::Reply;

pub struct Bgrewriteaof;

impl Command for Bgrewriteaof {
    const SPEC: Spec = Spec {
        name: "BGREWRITEAOF",
        aliases: &[],
        arity: 1,
        keys: KeySpec::NONE,
        group: Group::Server,
        since: "1.0.0",
        complexity: "O(1)",
        summary: "Begins a snapshot, after which the log goes back no further than the snapshot before it.",
        syntax: "",
    };
    const FLAGS: Flags =
        Flags { also: &["no_async_loading"], without: &["loading", "stale"], ..Flags::DEFAULT };
}

impl Control for Bgrewriteaof {
    fn run(_args: &mut Args<'_>, _session: &mut Session, node: &dyn Node) -> Result<Reply, CommandError> {
        match node.begin_snapshot() {
            true => Ok(Reply::Simple("Background append only file rewriting started")),
            false => {
                Err(CommandError::fixed("ERR Background append only file rewriting already in progress"))
            }
        }
    }
}
