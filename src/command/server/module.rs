//! `MODULE LIST`: clients of RedisJSON look for its module by name.

use crate::command::framework::subcommands;
use crate::command::{Args, Command, Control, Flags, Group, KeySpec, Node, Session, Spec, Subcommand};
use crate::error::CommandError;
use crate::resp::Reply;

pub struct Module;

impl Command for Module {
    const SPEC: Spec = Spec {
        name: "MODULE",
        aliases: &[],
        arity: -2,
        keys: KeySpec::NONE,
        group: Group::Server,
        since: "4.0.0",
        complexity: "As that of the subcommand",
        summary: "The modules whose commands are there: ReJSON.",
        syntax: "",
    };
    const FLAGS: Flags = Flags { without: &["loading", "stale"], ..Flags::DEFAULT };
    const SUBCOMMANDS: &'static [Subcommand] =
        &[Subcommand::new("LIST", "", "4.0.0", "O(N) with N the modules"), Subcommand::help("5.0.0")];
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

/// The module as `MODULE LIST` and `HELLO` tell it.
pub fn rejson() -> Reply {
    Reply::Map(vec![
        (Reply::word("name"), Reply::word("ReJSON")),
        (Reply::word("ver"), Reply::Integer(80_000)),
        (Reply::word("path"), Reply::word("")),
        (Reply::word("args"), Reply::Array(Vec::new())),
    ])
}
