//! `QUIT`: answers OK and closes the connection.

use crate::command::{Args, Command, Flags, Group, KeySpec, Local, Session, Spec};
use crate::error::CommandError;
use crate::resp::Reply;

pub struct Quit;

impl Command for Quit {
    const SPEC: Spec = Spec {
        name: "QUIT",
        aliases: &[],
        arity: -1,
        keys: KeySpec::NONE,
        group: Group::Connection,
        since: "1.0.0",
        complexity: "O(1)",
        summary: "Answers OK and closes the connection.",
        syntax: "",
    };
    const FLAGS: Flags = Flags {
        at_once: true,
        while_subscribed: true,
        no_auth: true,
        also: &["allow_busy"],
        ..Flags::DEFAULT
    };
}

impl Local for Quit {
    fn run(_args: &mut Args<'_>, session: &mut Session) -> Result<Reply, CommandError> {
        session.closing = true;
        Ok(Reply::OK)
    }
}
