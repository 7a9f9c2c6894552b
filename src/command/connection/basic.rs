//! The simple commands of a connection.
//!
//! * `PING [message]`: returns PONG, or the message.
//! * `ECHO message`: returns the message.
//! * `SELECT index`: accepts the only database, number 0.
//! * `RESET`: resets the connection to the state of a new one.
//! * `QUIT`: returns OK and closes the connection.

use crate::command::{
    Args, Command, Effects, Flags, Group, KeySpec, Local, Manage, Node, Outcome, Session, Spec,
};
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
        summary: "Replies PONG, or the message if there is one.",
        syntax: "[message]",
    };
    const FLAGS: Flags =
        Flags { while_subscribed: true, without: &["noscript", "loading", "stale"], ..Flags::DEFAULT };
}

impl Local for Ping {
    fn run(args: &mut Args<'_>, session: &mut Session) -> Result<Reply, CommandError> {
        match (args.word_if_any(), args.is_empty()) {
            (_, false) => Err(args.wrong_arity()),
            // To a RESP2 client with subscriptions, PING replies in the form of a pub/sub message.
            (message, true) if session.only_listens() => {
                let message = message.map_or(Reply::word(""), |message| Reply::Bulk(message.clone()));
                Ok(Reply::Array(vec![Reply::word("pong"), message]))
            }
            (None, true) => Ok(Reply::Simple("PONG")),
            (Some(message), true) => Ok(Reply::Bulk(message.clone())),
        }
    }
}

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
        summary: "Replies with the message.",
        syntax: "message",
    };
    const FLAGS: Flags = Flags { without: &["noscript"], ..Flags::DEFAULT };
}

impl Local for Echo {
    fn run(args: &mut Args<'_>, _session: &mut Session) -> Result<Reply, CommandError> {
        Ok(Reply::Bulk(args.word()?.clone()))
    }
}

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
        summary: "Accepts the number 0 of the only database.",
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

pub struct Reset;

impl Command for Reset {
    const SPEC: Spec = Spec {
        name: "RESET",
        aliases: &[],
        arity: 1,
        keys: KeySpec::NONE,
        group: Group::Connection,
        since: "6.2.0",
        complexity: "O(1)",
        summary: "Resets the connection to the state of a new one.",
        syntax: "",
    };
    const FLAGS: Flags = Flags {
        fast: true,
        at_once: true,
        while_subscribed: true,
        no_auth: true,
        also: &["allow_busy"],
        ..Flags::DEFAULT
    };
}

impl Manage for Reset {
    fn run(_args: &mut Args<'_>, session: &mut Session, node: &dyn Node) -> Result<Outcome, CommandError> {
        node.client_registry().forget(session.id);
        session.reset();
        let effects = Effects { reset_transaction: true, ..Effects::default() };
        Ok(Outcome::new(Reply::Simple("RESET"), effects))
    }
}

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
        summary: "Replies OK and closes the connection.",
        syntax: "",
    };
    const FLAGS: Flags = Flags {
        fast: true,
        at_once: true,
        while_subscribed: true,
        no_auth: true,
        also: &["allow_busy"],
        ..Flags::DEFAULT
    };
}

impl Manage for Quit {
    fn run(_args: &mut Args<'_>, _session: &mut Session, _node: &dyn Node) -> Result<Outcome, CommandError> {
        Ok(Outcome::new(Reply::OK, Effects { close: true, ..Effects::default() }))
    }
}
