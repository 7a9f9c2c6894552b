//! `HEXISTS key field`, `HSTRLEN key field`: whether there is a field, how many bytes its value has.

use crate::command::{Args, Command, Context, Flags, Group, Read, Spec, Usage};
use crate::error::CommandError;
use crate::keyspace::{Element, Hash, Key, View};
use crate::resp::Reply;

macro_rules! commands {
    ($($name:ident, $word:literal, $since:literal, $complexity:literal, $usage:ident, $answer:expr, $summary:literal;)*) => { $(
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
                let answer: fn(Option<&Element>) -> Reply = $answer;
                let value = |hash: &Hash| answer(hash.get(self.field.as_bytes()));
                let reply = keyspace.with_collection(self.key.as_bytes(), value)?;
                Ok(reply.unwrap_or_else(|| answer(None)))
            }
        }
    )* };
}

commands! {
    Hexists, "HEXISTS", "2.0.0", "O(1)", LOOKED_AT, |value| Reply::Integer(i64::from(value.is_some())), "Whether a hash has a field.";
    Hstrlen, "HSTRLEN", "3.2.0", "O(1)", LOOKED_AT, |value| Reply::Integer(value.map_or(0, |value| value.as_bytes().len() as i64)),
        "How many bytes the value of a field has.";
}
