//! Information about the node, and its shutdown.
//!
//! * `INFO [section ...]`: returns information and statistics.
//! * `TIME`: returns the cluster's time, which decides when keys expire. While a node hears from
//!   the leader, its time differs from the leader's by about the delay of a message.
//! * `MODULE LIST`: reports the module of RedisJSON, because its clients check that it is present.
//! * `SHUTDOWN [NOSAVE | SAVE] [NOW] [FORCE]`: stops the node like SIGTERM. `SHUTDOWN ABORT`
//!   returns an error, because a shutdown cannot be aborted.
//!
//!   Every acknowledged write is on disk already, so SHUTDOWN has nothing to save. Its options are
//!   checked, but have no effect.

use crate::command::framework::subcommands;
use crate::command::{
    Args, Command, Control, Effects, Flags, Group, KeySpec, Manage, Node, Outcome, Session, Spec, Subcommand,
};
use crate::error::CommandError;
use crate::resp::Reply;

pub struct Info;

impl Command for Info {
    const SPEC: Spec = Spec {
        name: "INFO",
        aliases: &[],
        arity: -1,
        keys: KeySpec::NONE,
        group: Group::Server,
        since: "1.0.0",
        complexity: "O(1)",
        summary: "Shows the state and the figures of the server by section.",
        syntax: "[section ...]",
    };
    const FLAGS: Flags =
        Flags { admin: Some(false), without: &["noscript"], categories: &["@dangerous"], ..Flags::DEFAULT };
}

impl Control for Info {
    fn run(args: &mut Args<'_>, _session: &mut Session, node: &dyn Node) -> Result<Reply, CommandError> {
        let section = |word: &bytes::Bytes| String::from_utf8_lossy(word).to_lowercase();
        let sections: Vec<String> = args.rest().iter().map(section).collect();
        Ok(Reply::Verbatim(node.info(&sections).into()))
    }
}

pub struct Time;

impl Command for Time {
    const SPEC: Spec = Spec {
        name: "TIME",
        aliases: &[],
        arity: 1,
        keys: KeySpec::NONE,
        group: Group::Server,
        since: "2.6.0",
        complexity: "O(1)",
        summary: "Reports the cluster's time in Unix seconds and microseconds.",
        syntax: "",
    };
    const FLAGS: Flags = Flags { fast: true, admin: Some(false), without: &["noscript"], ..Flags::DEFAULT };
}

impl Control for Time {
    fn run(_args: &mut Args<'_>, _session: &mut Session, node: &dyn Node) -> Result<Reply, CommandError> {
        let now_ms = node.group_time_ms();
        let seconds = (now_ms / 1000).to_string();
        let micros = (now_ms % 1000 * 1000).to_string();
        Ok(Reply::Array(vec![Reply::bulk(seconds), Reply::bulk(micros)]))
    }
}

pub struct Module;

impl Command for Module {
    const SPEC: Spec = Spec {
        name: "MODULE",
        aliases: &[],
        arity: -2,
        keys: KeySpec::NONE,
        group: Group::Server,
        since: "4.0.0",
        complexity: "That of the subcommand",
        summary: "Lists the modules, of which ReJSON is the only one.",
        syntax: "",
    };
    const FLAGS: Flags = Flags { without: &["loading", "stale"], ..Flags::DEFAULT };
    const SUBCOMMANDS: &'static [Subcommand] = &[
        Subcommand::new("LIST", "", "4.0.0", "O(N), N: modules", "Shows ReJSON as the only module."),
        Subcommand::help("5.0.0"),
    ];
}

impl Control for Module {
    fn run(args: &mut Args<'_>, _session: &mut Session, _node: &dyn Node) -> Result<Reply, CommandError> {
        let word = args.word()?;
        match &word.to_ascii_uppercase()[..] {
            b"LIST" if args.is_empty() => Ok(Reply::Array(vec![rejson()])),
            b"HELP" if args.is_empty() => Ok(subcommands::help::<Self>()),
            _ => Err(args.wrong_subcommand(word)),
        }
    }
}

/// RedisJSON's module, as `MODULE LIST` and `HELLO` report it.
pub fn rejson() -> Reply {
    Reply::Map(vec![
        (Reply::word("name"), Reply::word("ReJSON")),
        (Reply::word("ver"), Reply::Integer(80_000)),
        (Reply::word("path"), Reply::word("")),
        (Reply::word("args"), Reply::Array(Vec::new())),
    ])
}

pub struct Shutdown;

impl Command for Shutdown {
    const SPEC: Spec = Spec {
        name: "SHUTDOWN",
        aliases: &[],
        arity: -1,
        keys: KeySpec::NONE,
        group: Group::Server,
        since: "1.0.0",
        complexity: "O(1)",
        summary: "Stops the node after it has handed over leadership and sent all replies.",
        syntax: "[NOSAVE | SAVE] [NOW] [FORCE] [ABORT]",
    };
    const FLAGS: Flags = Flags { not_in_multi: true, also: &["allow_busy"], ..Flags::DEFAULT };
}

impl Manage for Shutdown {
    /// On success there is no reply: the connection is closed, which clients take as success.
    fn run(args: &mut Args<'_>, _session: &mut Session, node: &dyn Node) -> Result<Outcome, CommandError> {
        let (mut save, mut no_save, mut abort, mut other) = (false, false, false, false);
        while !args.is_empty() {
            if args.keyword("SAVE") {
                save = true;
            } else if args.keyword("NOSAVE") {
                no_save = true;
            } else if args.keyword("ABORT") {
                abort = true;
            } else if args.keyword("NOW") || args.keyword("FORCE") {
                other = true;
            } else {
                return Err(CommandError::SYNTAX);
            }
        }
        if save && no_save || abort && (save || no_save || other) {
            return Err(CommandError::SYNTAX);
        }
        if abort {
            return Err(CommandError::fixed(match node.is_stopping() {
                true => "ERR the shutdown in progress cannot be aborted",
                false => "ERR No shutdown in progress.",
            }));
        }
        node.begin_stop()?;
        Ok(Outcome::new(Reply::OK, Effects { close: true, no_reply: true, ..Effects::default() }))
    }
}
