//! Reads of the metadata of keys.
//!
//! * `EXISTS key ...`, `TOUCH key ...`: returns how many of the keys exist; a key given twice
//!   counts twice.
//! * `TYPE key`: returns the type of a value, or `none`.
//! * `OBJECT ENCODING key`: reports how Redis would store the value. `OBJECT REFCOUNT|IDLETIME key`
//!   returns a constant, and `OBJECT FREQ key` an error.
//!
//!   The encodings do not describe how this server stores values; tools conclude from them whether
//!   a value is large. `int`, `listpack`, `intset` and `embstr` are small; `quicklist`,
//!   `hashtable`, `skiplist` and `raw` are large, by Redis' default thresholds. A JSON document is
//!   always `raw`.
//! * `TTL`, `PTTL`, `EXPIRETIME`, `PEXPIRETIME key`: returns the remaining time or the deadline of
//!   a key; -1 without a deadline, -2 without a key.

use bytes::Bytes;

use crate::command::framework::canonical_integer;
use crate::command::{Alias, Args, Command, Context, Flags, Group, KeySpec, Read, Spec, Subcommand, Usage};
use crate::error::CommandError;
use crate::keyspace::{Collection, ELEMENT_BYTES, Element, EntryRef, Key, Scope, ValueRef, View};
use crate::resp::Reply;

pub struct Exists {
    keys: Vec<Key>,
}

impl Command for Exists {
    const SPEC: Spec = Spec {
        name: "EXISTS",
        aliases: &[Alias { name: "TOUCH", since: "3.2.1", complexity: "O(N), N: keys named", fast: true }],
        arity: -2,
        keys: KeySpec::ALL.used(Usage::INSPECTED),
        group: Group::Generic,
        since: "1.0.0",
        complexity: "O(N), N: keys named",
        summary: "Counts how many of the named keys exist.",
        syntax: "key ...",
    };
    const FLAGS: Flags = Flags { fast: true, ..Flags::DEFAULT };
}

impl Read for Exists {
    fn parse(args: &mut Args<'_>, _context: &Context) -> Result<Exists, CommandError> {
        Ok(Exists { keys: args.rest().iter().map(|word| Key::from(&word[..])).collect() })
    }

    fn scope(&self) -> Scope {
        Scope::of(self.keys.len())
    }

    fn run(self, keyspace: &View<'_>) -> Result<Reply, CommandError> {
        let there = self.keys.iter().filter(|key| keyspace.exists(key.as_bytes())).count();
        Ok(Reply::Integer(there as i64))
    }
}

pub struct TypeOf {
    key: Key,
}

impl Command for TypeOf {
    const SPEC: Spec = Spec {
        name: "TYPE",
        aliases: &[],
        arity: 2,
        keys: KeySpec::FIRST.used(Usage::INSPECTED),
        group: Group::Generic,
        since: "1.0.0",
        complexity: "O(1)",
        summary: "Reports the type of the value under a key.",
        syntax: "key",
    };
    const FLAGS: Flags = Flags { fast: true, ..Flags::DEFAULT };
}

impl Read for TypeOf {
    fn parse(args: &mut Args<'_>, _context: &Context) -> Result<TypeOf, CommandError> {
        Ok(TypeOf { key: args.key()? })
    }

    fn run(self, keyspace: &View<'_>) -> Result<Reply, CommandError> {
        let name = keyspace.with(self.key.as_bytes(), |entry| entry.value.type_name());
        Ok(Reply::Simple(name.unwrap_or("none")))
    }
}

/// Maximum length of a string that Redis stores as `embstr`.
const EMBEDDED_BYTES_MAX: usize = 44;
/// Maximum size of a list that Redis stores as a `listpack`, with the default -2 of
/// `list-max-listpack-size`.
const LIST_BYTES_MAX: usize = 8 << 10;
/// Maximum number of elements of a set that Redis stores as an `intset`, if all are integers.
const WHOLE_NUMBERS_MAX: usize = 512;
/// Limits up to which Redis stores other collections as a `listpack`: the number of members of a
/// set or sorted set, the number of fields of a hash, and the bytes of each element.
const SMALL_SET_MAX: usize = 128;
const SMALL_HASH_MAX: usize = 512;
const SMALL_ELEMENT_BYTES_MAX: usize = 64;

pub enum Object {
    Help,
    Of(Quality, Key),
}

#[derive(Clone, Copy)]
pub enum Quality {
    Encoding,
    Refcount,
    /// Always 0, because keys have no time of last use.
    IdleTime,
    Frequency,
}

const HELP: &[&str] = &[
    "OBJECT <subcommand> [<key>], with one of these subcommands:",
    "ENCODING <key> - the encoding that Redis would choose for such a value",
    "FREQ <key>     - an error: accesses are not counted",
    "IDLETIME <key> - 0, because keys have no time of last use",
    "REFCOUNT <key> - 1",
    "HELP           - this list",
];

const NOT_COUNTED: CommandError = CommandError::fixed(
    "ERR An LFU maxmemory policy is not selected, access frequency not tracked. Please note that when switching between policies at runtime LRU and LFU data will take some time to adjust.",
);

impl Command for Object {
    const SPEC: Spec = Spec {
        name: "OBJECT",
        aliases: &[],
        arity: -2,
        keys: KeySpec::new(2, 2, 1).used(Usage::INSPECTED),
        group: Group::Generic,
        since: "2.2.3",
        complexity: "That of the subcommand",
        summary: "Reports how Redis would store a value.",
        syntax: "",
    };
    const SUBCOMMANDS: &'static [Subcommand] = &[
        Subcommand::new(
            "ENCODING",
            "key",
            "2.2.3",
            "O(1)",
            "Reports the encoding that Redis would choose for the value.",
        ),
        Subcommand::new("REFCOUNT", "key", "2.2.3", "O(1)", "Returns 1, because values are not shared."),
        Subcommand::new(
            "IDLETIME",
            "key",
            "2.2.3",
            "O(1)",
            "Returns 0, because keys have no time of last use.",
        ),
        Subcommand::new(
            "FREQ",
            "key",
            "4.0.0",
            "O(1)",
            "Returns an error, because accesses are not counted.",
        ),
        Subcommand::help("6.2.0"),
    ];
}

impl Read for Object {
    fn parse(args: &mut Args<'_>, _context: &Context) -> Result<Object, CommandError> {
        let word = args.word()?;
        let (quality, name) = match &word.to_ascii_uppercase()[..] {
            b"HELP" if args.is_empty() => return Ok(Object::Help),
            b"ENCODING" => (Quality::Encoding, "object|encoding"),
            b"REFCOUNT" => (Quality::Refcount, "object|refcount"),
            b"IDLETIME" => (Quality::IdleTime, "object|idletime"),
            b"FREQ" => (Quality::Frequency, "object|freq"),
            _ => return Err(args.wrong_subcommand(word)),
        };
        match args.left() {
            1 => Ok(Object::Of(quality, args.key()?)),
            _ => Err(CommandError::wrong_arity(name)),
        }
    }

    fn run(self, keyspace: &View<'_>) -> Result<Reply, CommandError> {
        let Object::Of(quality, key) = self else {
            return Ok(Reply::Array(HELP.iter().copied().map(Reply::word).collect()));
        };
        let reply = keyspace.with(key.as_bytes(), |entry| match quality {
            Quality::Encoding => Ok(Reply::word(encoding(entry))),
            Quality::Refcount => Ok(Reply::Integer(1)),
            Quality::IdleTime => Ok(Reply::Integer(0)),
            Quality::Frequency => Err(NOT_COUNTED),
        });
        reply.unwrap_or(Ok(Reply::Null))
    }
}

fn encoding(entry: EntryRef<'_>) -> &'static str {
    let short = |element: &Element| element.as_bytes().len() <= SMALL_ELEMENT_BYTES_MAX;
    match entry.value {
        // The encoding that Redis reports for the values of modules.
        ValueRef::Json(_) => "raw",
        ValueRef::Text(text) if canonical_integer(text).is_some() => "int",
        ValueRef::Text(text) if text.len() <= EMBEDDED_BYTES_MAX => "embstr",
        ValueRef::Text(_) => "raw",
        ValueRef::List(list) if list.bytes() - list.len() * ELEMENT_BYTES <= LIST_BYTES_MAX => "listpack",
        ValueRef::List(_) => "quicklist",
        ValueRef::Set(set) if set.len() <= WHOLE_NUMBERS_MAX && set.iter().all(is_whole) => "intset",
        ValueRef::Set(set) if set.len() <= SMALL_SET_MAX && set.iter().all(short) => "listpack",
        ValueRef::Hash(hash)
            if hash.len() <= SMALL_HASH_MAX
                && hash.iter().all(|(field, value)| short(field) && short(value)) =>
        {
            "listpack"
        }
        ValueRef::Set(_) | ValueRef::Hash(_) => "hashtable",
        ValueRef::SortedSet(set)
            if set.len() <= SMALL_SET_MAX && set.iter().all(|(member, _)| short(member)) =>
        {
            "listpack"
        }
        ValueRef::SortedSet(_) => "skiplist",
    }
}

fn is_whole(element: &Element) -> bool {
    canonical_integer(element.as_bytes()).is_some()
}

macro_rules! ttl_commands {
    ($($name:ident, $word:literal, $since:literal, $complexity:literal, $summary:literal, $shown:expr;)*) => { $(
        pub struct $name(Bytes);

        impl Command for $name {
            const SPEC: Spec = Spec {
                name: $word,
                aliases: &[],
                arity: 2,
                keys: KeySpec::FIRST,
                group: Group::Generic,
                since: $since,
                complexity: $complexity,
                summary: $summary,
                syntax: "key",
            };
            const FLAGS: Flags = Flags { fast: true, ..Flags::DEFAULT };
        }

        impl Read for $name {
            fn parse(args: &mut Args<'_>, _context: &Context) -> Result<$name, CommandError> {
                args.word().cloned().map($name)
            }

            fn run(self, keyspace: &View<'_>) -> Result<Reply, CommandError> {
                let shown: fn(u64, u64) -> u64 = $shown;
                Ok(Reply::Integer(match keyspace.deadline_ms(&self.0) {
                    None => -2,
                    Some(None) => -1,
                    Some(Some(deadline)) => shown(deadline.get(), keyspace.now_ms()) as i64,
                }))
            }
        }
    )* };
}

ttl_commands! {
    Ttl, "TTL", "1.0.0", "O(1)", "Reports how many seconds remain until a key expires.", |deadline, now| seconds(deadline.saturating_sub(now));
    Pttl, "PTTL", "2.6.0", "O(1)", "Reports how many milliseconds remain until a key expires.", |deadline, now| deadline.saturating_sub(now);
    Expiretime, "EXPIRETIME", "7.0.0", "O(1)", "Reports when a key expires, as Unix time in seconds.", |deadline, _| seconds(deadline);
    Pexpiretime, "PEXPIRETIME", "7.0.0", "O(1)", "Reports when a key expires, as Unix time in milliseconds.", |deadline, _| deadline;
}

/// Rounds to the nearest second, as Redis does.
fn seconds(millis: u64) -> u64 {
    millis.saturating_add(500) / 1000
}
