//! `COMMAND`, `COMMAND COUNT|INFO|DOCS|LIST|GETKEYS|GETKEYSANDFLAGS`: describes the command table
//! to clients.

use bytes::Bytes;

use crate::command::framework::docs;
use crate::command::framework::glob;
use crate::command::framework::subcommands;
use crate::command::{
    Args, Command, Control, Flags, Group, KeySpec, Node, Row, Session, Spec, Subcommand, table,
};
use crate::error::CommandError;
use crate::resp::Reply;

pub struct CommandCommand;

impl Command for CommandCommand {
    const SPEC: Spec = Spec {
        name: "COMMAND",
        aliases: &[],
        arity: -1,
        keys: KeySpec::NONE,
        group: Group::Server,
        since: "2.8.13",
        complexity: "O(N), N: all commands",
        summary: "Describes all commands.",
        syntax: "",
    };
    const FLAGS: Flags =
        Flags { admin: Some(false), without: &["noscript"], categories: &["@connection"], ..Flags::DEFAULT };
    const SUBCOMMANDS: &'static [Subcommand] = &[
        Subcommand::new("COUNT", "", "2.8.13", "O(1)", "Counts the commands."),
        Subcommand::new(
            "LIST",
            "[FILTERBY (MODULE name | ACLCAT category | PATTERN pattern)]",
            "7.0.0",
            "O(N), N: all commands",
            "Lists the names of all commands, or of some.",
        ),
        Subcommand::new(
            "INFO",
            "[name ...]",
            "2.8.13",
            "O(N), N: commands named",
            "Describes the arity, flags and keys of some or all commands.",
        ),
        Subcommand::new(
            "DOCS",
            "[name ...]",
            "7.0.0",
            "O(N), N: commands named",
            "Describes the purpose and the arguments of some or all commands.",
        ),
        Subcommand::new(
            "GETKEYS",
            "name [word ...]",
            "2.8.13",
            "O(N), N: words of the request",
            "Finds the keys in a request.",
        ),
        Subcommand::new(
            "GETKEYSANDFLAGS",
            "name [word ...]",
            "7.0.0",
            "O(N), N: words of the request",
            "Finds the keys in a request, and how it uses each of them.",
        ),
        Subcommand::help("5.0.0"),
    ];
}

impl Control for CommandCommand {
    fn run(args: &mut Args<'_>, _session: &mut Session, _node: &dyn Node) -> Result<Reply, CommandError> {
        let Some(word) = args.word_if_any() else {
            return Ok(Reply::Array(every_name().map(|(name, row)| docs::info(name, &row)).collect()));
        };
        match &word.to_ascii_uppercase()[..] {
            b"COUNT" if args.is_empty() => Ok(Reply::Integer(every_name().count() as i64)),
            b"LIST" => list(args),
            b"INFO" => Ok(Reply::Array(match args.rest() {
                [] => every_name().map(|(name, row)| docs::info(name, &row)).collect(),
                names => names.iter().map(|name| info(name)).collect(),
            })),
            b"DOCS" => Ok(Reply::Map(match args.rest() {
                [] => every_name().map(|(name, row)| docs::docs(name, &row)).collect(),
                names => names.iter().filter_map(|name| chosen(name)).map(documentation).collect(),
            })),
            b"GETKEYS" if !args.is_empty() => keys_of(args.rest(), |key, _, _| Reply::Bulk(key)),
            b"GETKEYSANDFLAGS" if !args.is_empty() => {
                let words = args.rest();
                keys_of(words, |key, row, position| {
                    let flags = docs::key_flags(row, words, position)
                        .iter()
                        .map(|flag| Reply::Simple(flag))
                        .collect();
                    Reply::Array(vec![Reply::Bulk(key), Reply::Set(flags)])
                })
            }
            b"HELP" if args.is_empty() => Ok(subcommands::help::<Self>()),
            _ => Err(args.wrong_subcommand(word)),
        }
    }
}

/// All names in the table, each with its row. An alias is listed as a command of its own, because
/// clients expect that.
fn every_name() -> impl Iterator<Item = (&'static str, Row)> {
    table::ROWS.iter().flat_map(Row::names)
}

/// A command under one of its names, or one of its subcommands.
type Chosen = (&'static str, Row, Option<Subcommand>);

/// The command or subcommand with this name; the name of a subcommand has the form `config|get`.
fn chosen(name: &[u8]) -> Option<Chosen> {
    let mut parts = name.splitn(2, |byte| *byte == b'|');
    let first = parts.next()?;
    let (name, row) = every_name().find(|(known, _)| known.as_bytes().eq_ignore_ascii_case(first))?;
    match parts.next() {
        None => Some((name, row, None)),
        Some(second) => subcommands::named(&row, second).map(|one| (name, row, Some(one))),
    }
}

fn info(name: &[u8]) -> Reply {
    match chosen(name) {
        None => Reply::Null,
        Some((name, row, None)) => docs::info(name, &row),
        Some((_, row, Some(one))) => docs::subcommand_info(&row, one),
    }
}

fn documentation((name, row, one): Chosen) -> (Reply, Reply) {
    match one {
        None => docs::docs(name, &row),
        Some(one) => docs::subcommand_docs(&row, one),
    }
}

/// Decides whether a name with its row is in the list.
type Filter = Box<dyn Fn(&str, &Row) -> Result<bool, CommandError>>;

/// `LIST [FILTERBY MODULE name | ACLCAT category | PATTERN pattern]`: lists names, including those
/// of subcommands.
fn list(args: &mut Args<'_>) -> Result<Reply, CommandError> {
    let mut wanted: Filter = Box::new(|_, _| Ok(true));
    if !args.is_empty() {
        if !args.keyword("FILTERBY") || args.left() != 2 {
            return Err(CommandError::SYNTAX);
        }
        let (filter, value) = (args.word()?.to_ascii_uppercase(), args.word()?.to_ascii_lowercase());
        wanted = match &filter[..] {
            // RedisJSON's module is the only one that HELLO and MODULE LIST report.
            b"MODULE" => Box::new(move |_, row| Ok(&value[..] == b"rejson" && row.spec.group == Group::Json)),
            b"ACLCAT" => Box::new(move |_, row| {
                Ok(row.categories().iter().any(|category| category.as_bytes()[1..] == value[..]))
            }),
            b"PATTERN" => Box::new(move |name, _| glob::matches(&value, name.as_bytes())),
            _ => return Err(CommandError::SYNTAX),
        };
    }
    let mut names = Vec::new();
    for (name, row) in every_name() {
        let inner = row.subcommands.iter().map(|one| (one.full_name(&row.spec), one.alone(&row)));
        for (name, row) in std::iter::once((name.to_ascii_lowercase(), row)).chain(inner) {
            if wanted(&name, &row)? {
                names.push(Reply::bulk(name));
            }
        }
    }
    Ok(Reply::Array(names))
}

/// The keys of a request, each converted by `reply`.
fn keys_of(words: &[Bytes], reply: impl Fn(Bytes, &Row, usize) -> Reply) -> Result<Reply, CommandError> {
    let row = table::find(&words[0]).ok_or(CommandError::fixed("ERR Invalid command specified"))?;
    if !row.arity_fits(words.len()) {
        return Err(CommandError::fixed("ERR Invalid number of arguments specified for command"));
    }
    let keys: Vec<Reply> =
        row.spec.keys.positions(words.len()).map(|at| reply(words[at].clone(), row, at)).collect();
    if keys.is_empty() {
        return Err(CommandError::fixed("ERR The command has no key arguments"));
    }
    Ok(Reply::Array(keys))
}
