//! `PING [message]`: answers PONG, or the message.

use crate::command::{Args, Command, Group, KeySpec, Local, Session, Spec};
use crate::error::Answer;
use crate::resp::Reply;

pub struct Ping;

impl Command for Ping {
    const SPEC: Spec = Spec {
        name: "PING",
        aliases: &[],
        arity: -1,
        keys: KeySpec::NONE,
        group: Group::Connection,
        since: "0.1.0",
        summary: "Answers PONG, or the message.",
        syntax: "[message]",
    };
}

impl Local for Ping {
    fn run(args: &mut Args<'_>, _session: &mut Session) -> Result<Reply, Answer> {
        match (args.word_if_any(), args.is_empty()) {
            (_, false) => Err(args.wrong_arity()),
            (None, true) => Ok(Reply::Simple("PONG")),
            (Some(message), true) => Ok(Reply::Bulk(message.clone())),
        }
    }
}
