//! `CONFIG GET pattern ..`, `CONFIG SET name value ..`, `CONFIG RESETSTAT`.

use crate::command::connection::client::unknown_subcommand;
use crate::command::{Args, Command, Control, Flags, Group, KeySpec, Node, Session, Spec};
use crate::error::Answer;
use crate::resp::Reply;

pub struct Config;

impl Command for Config {
    const SPEC: Spec = Spec {
        name: "CONFIG",
        aliases: &[],
        arity: -2,
        keys: KeySpec::NONE,
        group: Group::Server,
        since: "0.1.0",
        summary: "Shows and changes settings.",
        syntax: "(GET pattern ... | SET name value ... | RESETSTAT)",
    };
    const FLAGS: Flags = Flags { secret: true, ..Flags::NONE };
}

impl Control for Config {
    fn run(args: &mut Args<'_>, _session: &mut Session, node: &dyn Node) -> Result<Reply, Answer> {
        let word = args.word()?;
        match &word.to_ascii_uppercase()[..] {
            b"GET" if !args.is_empty() => {
                let patterns: Vec<&[u8]> = args.rest().iter().map(|pattern| &pattern[..]).collect();
                let pairs = node.config(&patterns).into_iter();
                Ok(Reply::Map(pairs.map(|(name, value)| (Reply::bulk(name), Reply::bulk(value))).collect()))
            }
            b"SET" if !args.is_empty() && args.left().is_multiple_of(2) => set(args, node),
            b"RESETSTAT" if args.is_empty() => {
                node.reset_stats();
                Ok(Reply::OK)
            }
            _ => Err(unknown_subcommand("CONFIG", word)),
        }
    }
}

fn set(args: &mut Args<'_>, node: &dyn Node) -> Result<Reply, Answer> {
    while !args.is_empty() {
        let name = String::from_utf8_lossy(args.word()?).to_lowercase();
        let value = String::from_utf8_lossy(args.word()?);
        node.set_config(&name, &value).map_err(|reason| {
            Answer::new(format!("ERR CONFIG SET failed (possibly related to argument '{name}') - {reason}"))
        })?;
    }
    Ok(Reply::OK)
}
