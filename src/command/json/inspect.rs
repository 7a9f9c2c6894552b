//! Reads of types, versions and sizes, and of values as RESP.
//!
//! * `JSON.TYPE key [path]`: returns the type of each match.
//! * `JSON.VERSION key`: returns the version of a key, which each change raises, or null.
//! * `JSON.DEBUG MEMORY|DEPTH|FIELDS|HELP`: returns the size and the structure of values.
//! * `JSON.RESP key [path]`: returns values as RESP: a container is an array of `{` or `[` and its
//!   members or elements.

use bytes::Bytes;

use super::reply::UNKNOWN_DEBUG;
use super::reply::number;
use super::target::{locations, path_or_legacy_root};
use crate::command::{Args, Budget, Command, Context, Group, KeySpec, Read, Spec, Subcommand};
use crate::error::CommandError;
use crate::json::path::{Path, Selection, is_jsonpath};
use crate::json::{Kind, Number, Value};
use crate::keyspace::{Scope, View};
use crate::resp::{Protocol, Reply};

pub struct TypeOf {
    key: bytes::Bytes,
    /// `None` for a legacy path that cannot be parsed, which matches nothing.
    path: Option<Path>,
    protocol: Protocol,
}

impl Command for TypeOf {
    const SPEC: Spec = Spec {
        name: "JSON.TYPE",
        aliases: &[],
        arity: -2,
        keys: KeySpec::FIRST,
        group: Group::Json,
        since: "1.0.0",
        complexity: "O(N), N: size of the document",
        summary: "Reports the type of each value at the path.",
        syntax: "key [path]",
    };
}

impl Read for TypeOf {
    fn parse(args: &mut Args<'_>, context: &Context) -> Result<TypeOf, CommandError> {
        let key = args.word()?.clone();
        let word = args.word_if_any().map_or(&b"."[..], |word| word);
        let path = match Path::parse(word) {
            Err(error) if word.starts_with(b"$") || is_jsonpath(word) => return Err(error),
            parsed => parsed.ok(),
        };
        Ok(TypeOf { key, path, protocol: context.protocol })
    }

    fn run(self, keyspace: &View<'_>) -> Result<Reply, CommandError> {
        let reply = match (keyspace.document(&self.key)?, &self.path) {
            (None, _) | (_, None) => Reply::Null,
            (Some(document), Some(path)) => {
                let found = locations(path, &document, keyspace.steps())?;
                let mut names =
                    found.iter().map(|location| Reply::word(location.value(&document).type_name()));
                match path.is_legacy() {
                    true => names.next().unwrap_or(Reply::Null),
                    false => Reply::Array(names.collect()),
                }
            }
        };
        // In RESP3, RedisJSON returns the same reply inside one more array.
        Ok(match self.protocol {
            Protocol::Resp2 => reply,
            Protocol::Resp3 => Reply::Array(vec![reply]),
        })
    }
}

pub struct Version {
    key: Bytes,
}

impl Command for Version {
    const SPEC: Spec = Spec {
        name: "JSON.VERSION",
        aliases: &[],
        arity: 2,
        keys: KeySpec::FIRST,
        group: Group::Json,
        since: "0.1.0",
        complexity: "O(1)",
        summary: "Reports the version of a key, for the option IFVER of JSON.SET.",
        syntax: "key",
    };
}

impl Read for Version {
    fn parse(args: &mut Args<'_>, _context: &Context) -> Result<Version, CommandError> {
        Ok(Version { key: args.word()?.clone() })
    }

    fn scope(&self) -> Scope {
        Scope::BetweenEntries
    }

    fn run(self, keyspace: &View<'_>) -> Result<Reply, CommandError> {
        let version = keyspace.version(&self.key);
        Ok(version.map_or(Reply::Null, |version| Reply::Integer(version as i64)))
    }
}

pub enum Debug {
    Help,
    Measure(Quantity, Bytes, Path),
}

#[derive(Clone, Copy)]
pub enum Quantity {
    /// The length of the encoding in bytes.
    Memory,
    /// The depth of nested containers.
    Depth,
    /// The number of values inside a container, at all depths; 1 for a value that is no container.
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
        complexity: "O(N), N: size of the document",
        summary: "Measures the size and the structure of JSON values.",
        syntax: "",
    };
    const SUBCOMMANDS: &'static [Subcommand] = &[
        Subcommand::new(
            "MEMORY",
            "key [path]",
            "1.0.0",
            "O(N), N: size of the document",
            "Counts the bytes that each value at the path takes in memory.",
        ),
        Subcommand::new(
            "DEPTH",
            "key [path]",
            "0.1.0",
            "O(N), N: size of the document",
            "Reports how deep containers nest in each value at the path.",
        ),
        Subcommand::new(
            "FIELDS",
            "key [path]",
            "0.1.0",
            "O(N), N: size of the document",
            "Counts the values inside each value at the path.",
        ),
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
        Ok(Debug::Measure(quantity, args.word()?.clone(), path_or_legacy_root(args)?))
    }

    fn run(self, keyspace: &View<'_>) -> Result<Reply, CommandError> {
        let Debug::Measure(quantity, key, path) = self else {
            return Ok(Reply::Array(HELP.iter().copied().map(Reply::word).collect()));
        };
        let Some(document) = keyspace.document(&key)? else {
            return Ok(if path.is_legacy() { Reply::Integer(0) } else { Reply::Array(Vec::new()) });
        };
        let found = locations(&path, &document, keyspace.steps())?;
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

pub struct Resp {
    key: Bytes,
    path: Path,
}

impl Command for Resp {
    const SPEC: Spec = Spec {
        name: "JSON.RESP",
        aliases: &[],
        arity: -2,
        keys: KeySpec::FIRST,
        group: Group::Json,
        since: "1.0.0",
        complexity: "O(N), N: size of the document",
        summary: "Reads the values at the path as RESP types instead of JSON text.",
        syntax: "key [path]",
    };
}

impl Read for Resp {
    fn parse(args: &mut Args<'_>, _context: &Context) -> Result<Resp, CommandError> {
        Ok(Resp { key: args.word()?.clone(), path: path_or_legacy_root(args)? })
    }

    fn run(self, keyspace: &View<'_>) -> Result<Reply, CommandError> {
        let Some(document) = keyspace.document(&self.key)? else { return Ok(Reply::Null) };
        let mut budget = Budget::default();
        let selection = keyspace.steps().evaluate(&document, |fuel| self.path.show(&document, fuel))?;
        let mut one = |value: Value<'_>| {
            budget.spend_on_replies(value)?;
            Ok(resp(value))
        };
        let replies: Result<Vec<Reply>, CommandError> = match selection {
            Selection::Locations(locations) => {
                locations.iter().map(|location| one(location.value(&document))).collect()
            }
            Selection::Values(values) => values.iter().map(|value| one(Value::at(value, 0))).collect(),
        };
        let mut replies = replies?;
        match self.path.is_legacy() {
            false => Ok(Reply::Array(replies)),
            true if replies.is_empty() => Err(CommandError::NO_PATH),
            true => Ok(replies.swap_remove(0)),
        }
    }
}

fn resp(value: Value<'_>) -> Reply {
    match value.kind() {
        Kind::Null => Reply::Null,
        Kind::True => Reply::Simple("true"),
        Kind::False => Reply::Simple("false"),
        Kind::Int | Kind::Uint | Kind::Float => {
            number(Number::of(value).expect("the kind is that of a number"))
        }
        Kind::Text | Kind::TextEscaped => Reply::bulk(value.payload().to_vec()),
        Kind::Array => {
            Reply::Array(std::iter::once(Reply::Simple("[")).chain(value.elements().map(resp)).collect())
        }
        Kind::Object => {
            let members = value.members();
            let words = members.flat_map(|member| [Reply::bulk(member.key.to_vec()), resp(member.value)]);
            Reply::Array(std::iter::once(Reply::Simple("{")).chain(words).collect())
        }
    }
}
