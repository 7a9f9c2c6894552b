//! `PING [message]`: returns PONG, or the message.

use crate::command::{Args, Command, Flags, Group, KeySpec, Local, Session, Spec};
use crate::error::CommandError;
use crate::resp::Reply;

pub struct Ping;

impl Command for Ping {
    const SPEC: Spec = Spec {
        name: "PING",
        aliases: &[],
        arity: -1,
        keys: KeySpec::NONE,
        group: Group::Connection,
        since: "1.0.0",
        complexity: "O(1)",
        summary: "Returns the server's liveliness response.",
        syntax: "[message]",
    };
    const FLAGS: Flags =
        Flags { while_subscribed: true, without: &["noscript", "loading", "stale"], ..Flags::DEFAULT };
}

impl Local for Ping {
    fn run(args: &mut Args<'_>, session: &mut Session) -> Result<Reply, CommandError> {
        match (args.word_if_any(), args.is_empty()) {
            (_, false) => Err(args.wrong_arity()),
            // Between pub/sub messages the reply has the form of a message.
            (message, true) if session.only_listens() => {
                let message = message.map_or(Reply::word(""), |message| Reply::Bulk(message.clone()));
                Ok(Reply::Array(vec![Reply::word("pong"), message]))
            }
            (None, true) => Ok(Reply::Simple("PONG")),
            (Some(message), true) => Ok(Reply::Bulk(message.clone())),
        }
    }
}
