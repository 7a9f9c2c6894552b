//! `HGET key field`, `HEXISTS key field`, `HSTRLEN key field`: the value of a field, whether there is one, how many bytes
//! it has.

use super::spec;
use crate::command::bulks::bulk;
use crate::command::{Args, Command, Context, Read, Spec};
use crate::error::Answer;
use crate::keyspace::{Element, Hash, Key, View};
use crate::resp::Reply;

macro_rules! commands {
    ($($name:ident, $word:literal, $answer:expr, $summary:literal;)*) => { $(
        pub struct $name {
            key: Key,
            field: Element,
        }

        impl Command for $name {
            const SPEC: Spec = spec($word, 3, $summary, "key field");
        }

        impl Read for $name {
            fn parse(args: &mut Args<'_>, _context: &Context) -> Result<$name, Answer> {
                Ok($name { key: args.key()?, field: args.element()? })
            }

            fn run(self, keyspace: &View<'_>) -> Result<Reply, Answer> {
                let answer: fn(Option<&Element>) -> Reply = $answer;
                let value = |hash: &Hash| answer(hash.get(self.field.as_bytes()));
                let reply = keyspace.with_collection(self.key.as_bytes(), value)?;
                Ok(reply.unwrap_or_else(|| answer(None)))
            }
        }
    )* };
}

commands! {
    Hget, "HGET", bulk, "The value of a field.";
    Hexists, "HEXISTS", |value| Reply::Integer(i64::from(value.is_some())), "Whether a hash has a field.";
    Hstrlen, "HSTRLEN", |value| Reply::Integer(value.map_or(0, |value| value.as_bytes().len() as i64)),
        "How many bytes the value of a field has.";
}
