//! `ECHO message`: returns the message.

use crate::command::{Args, Command, Flags, Group, KeySpec, Local, Session, Spec};
use crate::error::CommandError;
use crate::resp::Reply;

pub struct Echo;

impl Command for Echo {
    const SPEC: Spec = Spec {
        name: "ECHO",
        aliases: &[],
        arity: 2,
        keys: KeySpec::NONE,
        group: Group::Connection,
        since: "1.0.0",
        complexity: "O(1)",
        summary: "Returns the given string.",
        syntax: "message",
    };
    const FLAGS: Flags = Flags { without: &["noscript"], ..Flags::DEFAULT };
}

impl Local for Echo {
    fn run(args: &mut Args<'_>, _session: &mut Session) -> Result<Reply, CommandError> {
        Ok(Reply::Bulk(args.word()?.clone()))
    }
}
