//! `RESET`: puts the connection back to the state of a new one.

use crate::command::{Args, Command, Group, KeySpec, Local, Session, Spec};
use crate::error::Answer;
use crate::resp::Reply;

pub struct Reset;

impl Command for Reset {
    const SPEC: Spec = Spec {
        name: "RESET",
        aliases: &[],
        arity: 1,
        keys: KeySpec::NONE,
        group: Group::Connection,
        since: "0.1.0",
        summary: "Puts the connection back to the state of a new one.",
        syntax: "",
    };
    const BEFORE_LOGIN: bool = true;
}

impl Local for Reset {
    fn run(_args: &mut Args<'_>, session: &mut Session) -> Result<Reply, Answer> {
        session.reset();
        Ok(Reply::Simple("RESET"))
    }
}
