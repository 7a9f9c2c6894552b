//! Reads of hashes beyond the commands that all collections share.
//!
//! * `HGETALL key`, `HKEYS key`, `HVALS key`: returns all fields with their values, all fields, or
//!   all values.
//! * `HEXISTS key field`, `HSTRLEN key field`: returns whether a field exists, or the length of its
//!   value in bytes.

use crate::command::framework::bulks::bulks;
use crate::command::{Args, Budget, Command, Context, Flags, Group, Read, Spec, Usage};
use crate::error::CommandError;
use crate::keyspace::{Collection, Element, Hash, Key, View};
use crate::resp::Reply;

fn pairs(hash: &Hash) -> Result<Reply, CommandError> {
    // `bulks` limits the fields and the values separately; this budget limits both together.
    Budget::default()
        .spend(hash.len().saturating_mul(2 * size_of::<Reply>()).saturating_add(hash.bytes()))?;
    let fields = bulks(hash.iter().map(|(field, _)| field))?;
    let values = bulks(hash.iter().map(|(_, value)| value))?;
    Ok(Reply::Map(fields.into_iter().zip(values).collect()))
}

fn fields(hash: &Hash) -> Result<Reply, CommandError> {
    bulks(hash.iter().map(|(field, _)| field)).map(Reply::Array)
}

fn values(hash: &Hash) -> Result<Reply, CommandError> {
    bulks(hash.iter().map(|(_, value)| value)).map(Reply::Array)
}

macro_rules! all_commands {
    ($($name:ident, $word:literal, $since:literal, $complexity:literal, $all:path, $summary:literal;)*) => { $(
        pub struct $name {
            key: Key,
        }

        impl Command for $name {
            const SPEC: Spec = Spec::of_key(Group::Hash, $word, 2, $since, $complexity, $summary, "key");
        }

        impl Read for $name {
            fn parse(args: &mut Args<'_>, _context: &Context) -> Result<$name, CommandError> {
                Ok($name { key: args.key()? })
            }

            fn run(self, keyspace: &View<'_>) -> Result<Reply, CommandError> {
                let all = keyspace.with_collection(self.key.as_bytes(), $all)?;
                all.unwrap_or_else(|| $all(&Hash::default()))
            }
        }
    )* };
}

all_commands! {
    Hgetall, "HGETALL", "2.0.0", "O(N), N: fields", pairs, "Reads a whole hash.";
    Hkeys, "HKEYS", "2.0.0", "O(N), N: fields", fields, "Lists the field names of a hash.";
    Hvals, "HVALS", "2.0.0", "O(N), N: fields", values, "Lists the values of a hash.";
}

macro_rules! get_commands {
    ($($name:ident, $word:literal, $since:literal, $complexity:literal, $usage:ident, $reply:expr, $summary:literal;)*) => { $(
        pub struct $name {
            key: Key,
            field: Element,
        }

        impl Command for $name {
            const SPEC: Spec = Spec::of_key(Group::Hash, $word, 3, $since, $complexity, $summary, "key field").used(Usage::$usage);
            const FLAGS: Flags = Flags { fast: true, ..Flags::DEFAULT };
        }

        impl Read for $name {
            fn parse(args: &mut Args<'_>, _context: &Context) -> Result<$name, CommandError> {
                Ok($name { key: args.key()?, field: args.element()? })
            }

            fn run(self, keyspace: &View<'_>) -> Result<Reply, CommandError> {
                let to_reply: fn(Option<&Element>) -> Reply = $reply;
                let value = |hash: &Hash| to_reply(hash.get(self.field.as_bytes()));
                let reply = keyspace.with_collection(self.key.as_bytes(), value)?;
                Ok(reply.unwrap_or_else(|| to_reply(None)))
            }
        }
    )* };
}

get_commands! {
    Hexists, "HEXISTS", "2.0.0", "O(1)", INSPECTED, |value| Reply::Integer(i64::from(value.is_some())), "Reports whether a hash has a field.";
    Hstrlen, "HSTRLEN", "3.2.0", "O(1)", INSPECTED, |value| Reply::Integer(value.map_or(0, |value| value.as_bytes().len() as i64)),
        "Counts the bytes of a field's value.";
}
