//! `COMMAND`, `COMMAND COUNT|INFO|DOCS|LIST|GETKEYS`: the table, told to clients.

use bytes::Bytes;

use crate::command::connection::client::unknown_subcommand;
use crate::command::{Args, Command, Control, Group, KeySpec, Node, Row, Session, Spec, docs, table};
use crate::error::Answer;
use crate::resp::Reply;

pub struct CommandCommand;

impl Command for CommandCommand {
    const SPEC: Spec = Spec {
        name: "COMMAND",
        aliases: &[],
        arity: -1,
        keys: KeySpec::NONE,
        group: Group::Server,
        since: "0.1.0",
        summary: "Tells of the commands.",
        syntax: "[COUNT | LIST | INFO [name ...] | DOCS [name ...] | GETKEYS name [word ...]]",
    };
}

impl Control for CommandCommand {
    fn run(args: &mut Args<'_>, _session: &mut Session, _node: &dyn Node) -> Result<Reply, Answer> {
        let Some(word) = args.word_if_any() else {
            return Ok(Reply::Array(every_name().map(|(name, row)| docs::info(name, row)).collect()));
        };
        match &word.to_ascii_uppercase()[..] {
            b"COUNT" if args.is_empty() => Ok(Reply::Integer(every_name().count() as i64)),
            b"LIST" if args.is_empty() => {
                let name = |(name, _): (&'static str, _)| Reply::bulk(name.to_ascii_lowercase());
                Ok(Reply::Array(every_name().map(name).collect()))
            }
            b"INFO" => Ok(Reply::Array(match args.rest() {
                [] => every_name().map(|(name, row)| docs::info(name, row)).collect(),
                names => names
                    .iter()
                    .map(|name| chosen(name).map_or(Reply::NullArray, |(name, row)| docs::info(name, row)))
                    .collect(),
            })),
            b"DOCS" => Ok(Reply::Map(match args.rest() {
                [] => every_name().map(|(name, row)| docs::docs(name, row)).collect(),
                names => names
                    .iter()
                    .filter_map(|name| chosen(name))
                    .map(|(name, row)| docs::docs(name, row))
                    .collect(),
            })),
            b"GETKEYS" if !args.is_empty() => keys_of(args.rest()),
            _ => Err(unknown_subcommand("COMMAND", word)),
        }
    }
}

/// Every name in the table with its row: an alias counts as a command of its own, as clients expect.
fn every_name() -> impl Iterator<Item = (&'static str, &'static Row)> {
    table::ROWS.iter().flat_map(|row| {
        std::iter::once(row.spec.name).chain(row.spec.aliases.iter().copied()).map(move |name| (name, row))
    })
}

fn chosen(name: &[u8]) -> Option<(&'static str, &'static Row)> {
    every_name().find(|(known, _)| known.as_bytes().eq_ignore_ascii_case(name))
}

fn keys_of(words: &[Bytes]) -> Result<Reply, Answer> {
    let row = table::find(&words[0]).ok_or(Answer::fixed("ERR Invalid command specified"))?;
    if !row.arity_fits(words.len()) {
        return Err(Answer::fixed("ERR Invalid number of arguments specified for command"));
    }
    let keys: Vec<Reply> =
        row.spec.keys.positions(words.len()).map(|at| Reply::Bulk(words[at].clone())).collect();
    if keys.is_empty() {
        return Err(Answer::fixed("ERR The command has no key arguments"));
    }
    Ok(Reply::Array(keys))
}
