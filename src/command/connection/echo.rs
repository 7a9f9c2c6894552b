//! `ECHO message`: answers the message.

use crate::command::{Args, Command, Group, KeySpec, Local, Session, Spec};
use crate::error::Answer;
use crate::resp::Reply;

pub struct Echo;

impl Command for Echo {
    const SPEC: Spec = Spec {
        name: "ECHO",
        aliases: &[],
        arity: 2,
        keys: KeySpec::NONE,
        group: Group::Connection,
        since: "0.1.0",
        summary: "Answers the message.",
        syntax: "message",
    };
}

impl Local for Echo {
    fn run(args: &mut Args<'_>, _session: &mut Session) -> Result<Reply, Answer> {
        Ok(Reply::Bulk(args.word()?.clone()))
    }
}
