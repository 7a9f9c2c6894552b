//! `SELECT index`: accepts the only database, number 0.

use crate::command::{Args, Command, Flags, Group, KeySpec, Local, Session, Spec};
use crate::error::CommandError;
use crate::resp::Reply;

pub struct Select;

impl Command for Select {
    const SPEC: Spec = Spec {
        name: "SELECT",
        aliases: &[],
        arity: 2,
        keys: KeySpec::NONE,
        group: Group::Connection,
        since: "1.0.0",
        complexity: "O(1)",
        summary: "Changes the selected database; the only one is 0.",
        syntax: "index",
    };
    const FLAGS: Flags = Flags { without: &["noscript"], ..Flags::DEFAULT };
}

impl Local for Select {
    fn run(args: &mut Args<'_>, _session: &mut Session) -> Result<Reply, CommandError> {
        match args.integer()? {
            0 => Ok(Reply::OK),
            _ => Err(CommandError::fixed("ERR DB index is out of range")),
        }
    }
}
