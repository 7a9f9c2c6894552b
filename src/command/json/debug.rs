//! `JSON.DEBUG MEMORY|DEPTH|FIELDS|HELP`: what a document costs and how it is made.

use bytes::Bytes;

use super::errors::UNKNOWN_DEBUG;
use super::target::{locations, path_or_legacy_root};
use crate::command::{Args, Command, Context, Group, KeySpec, Read, Spec, Subcommand};
use crate::error::CommandError;
use crate::json::Value;
use crate::json::path::Path;
use crate::keyspace::View;
use crate::resp::Reply;

pub enum Debug {
    Help,
    Tell(Quantity, Bytes, Path),
}

#[derive(Clone, Copy)]
pub enum Quantity {
    /// Bytes of the encoding.
    Memory,
    /// Containers that enclose each other.
    Depth,
    /// Values, each container below the first counted too.
    Fields,
}

const HELP: &[&str] = &[
    "MEMORY <key> [path] - reports memory usage",
    "DEPTH <key> [path] - reports how deep containers nest",
    "FIELDS <key> [path] - reports the number of values",
    "HELP                - this message",
];

impl Command for Debug {
    const SPEC: Spec = Spec {
        name: "JSON.DEBUG",
        aliases: &[],
        arity: -2,
        keys: KeySpec::new(2, 2, 1),
        group: Group::Json,
        since: "1.0.0",
        complexity: "O(N) with N the size of the document",
        summary: "What documents cost and how they are made.",
        syntax: "",
    };
    const SUBCOMMANDS: &'static [Subcommand] = &[
        Subcommand::new("MEMORY", "key [path]", "1.0.0", "O(N) with N the size of the document"),
        Subcommand::new("DEPTH", "key [path]", "0.1.0", "O(N) with N the size of the document"),
        Subcommand::new("FIELDS", "key [path]", "0.1.0", "O(N) with N the size of the document"),
        Subcommand::help("1.0.0"),
    ];
}

impl Read for Debug {
    fn parse(args: &mut Args<'_>, _context: &Context) -> Result<Debug, CommandError> {
        let quantity = match &args.word()?.to_ascii_uppercase()[..] {
            b"HELP" => return Ok(Debug::Help),
            b"MEMORY" => Quantity::Memory,
            b"DEPTH" => Quantity::Depth,
            b"FIELDS" => Quantity::Fields,
            _ => return Err(UNKNOWN_DEBUG),
        };
        Ok(Debug::Tell(quantity, args.word()?.clone(), path_or_legacy_root(args)?))
    }

    fn run(self, keyspace: &View<'_>) -> Result<Reply, CommandError> {
        let Debug::Tell(quantity, key, path) = self else {
            return Ok(Reply::Array(HELP.iter().copied().map(Reply::word).collect()));
        };
        let Some(document) = keyspace.document(&key)? else {
            return Ok(if path.is_legacy() { Reply::Integer(0) } else { Reply::Array(Vec::new()) });
        };
        let found = locations(&path, &document)?;
        let mut counts =
            found.iter().map(|location| Reply::Integer(quantity.of(location.value(&document)) as i64));
        match path.is_legacy() {
            true => counts.next().ok_or(CommandError::NO_PATH),
            false => Ok(Reply::Array(counts.collect())),
        }
    }
}

impl Quantity {
    fn of(self, value: Value<'_>) -> usize {
        match self {
            Quantity::Memory => value.encoded().len(),
            Quantity::Depth => value.depth(),
            Quantity::Fields => fields(value),
        }
    }
}

fn fields(value: Value<'_>) -> usize {
    if !value.kind().is_container() {
        return 1;
    }
    let children = value.elements().chain(value.members().map(|member| member.value));
    children.map(|child| fields(child) + usize::from(child.kind().is_container())).sum()
}
