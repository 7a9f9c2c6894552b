//! `ZCOUNT key min max`, `ZLEXCOUNT key min max`: how many members have a score, or a name, in a range.

use super::bounds::Bounds;
use super::spec;
use crate::command::{Args, Command, Context, Read, Spec};
use crate::error::Answer;
use crate::keyspace::{Key, SortedSet, View};
use crate::resp::Reply;

macro_rules! commands {
    ($($name:ident, $word:literal, $bounds:path, $summary:literal;)*) => { $(
        pub struct $name {
            key: Key,
            bounds: Bounds,
        }

        impl Command for $name {
            const SPEC: Spec = spec($word, 4, $summary, "key min max");
        }

        impl Read for $name {
            fn parse(args: &mut Args<'_>, _context: &Context) -> Result<$name, Answer> {
                Ok($name { key: args.key()?, bounds: $bounds(args, false)? })
            }

            fn run(self, keyspace: &View<'_>) -> Result<Reply, Answer> {
                let count = |set: &SortedSet| self.bounds.within(set, false).len();
                let count = keyspace.with_collection(self.key.as_bytes(), count)?;
                Ok(Reply::Integer(count.unwrap_or(0) as i64))
            }
        }
    )* };
}

commands! {
    Zcount, "ZCOUNT", Bounds::scores, "How many members have a score in a range.";
    Zlexcount, "ZLEXCOUNT", Bounds::names, "How many members have a name in a range, where all scores are equal.";
}
