//! `ZCOUNT key min max`, `ZLEXCOUNT key min max`: how many members have a score, or a name, in a range.

use super::bounds::Bounds;
use crate::command::{Args, Command, Context, Flags, Group, Read, Spec};
use crate::error::CommandError;
use crate::keyspace::{Key, SortedSet, View};
use crate::resp::Reply;

macro_rules! commands {
    ($($name:ident, $word:literal, $since:literal, $complexity:literal, $bounds:path, $summary:literal;)*) => { $(
        pub struct $name {
            key: Key,
            bounds: Bounds,
        }

        impl Command for $name {
            const SPEC: Spec = Spec::of_key(Group::SortedSet, $word, 4, $since, $complexity, $summary, "key min max");
            const FLAGS: Flags = Flags { fast: true, ..Flags::DEFAULT };
        }

        impl Read for $name {
            fn parse(args: &mut Args<'_>, _context: &Context) -> Result<$name, CommandError> {
                Ok($name { key: args.key()?, bounds: $bounds(args, false)? })
            }

            fn run(self, keyspace: &View<'_>) -> Result<Reply, CommandError> {
                let count = |set: &SortedSet| self.bounds.within(set, false).len();
                let count = keyspace.with_collection(self.key.as_bytes(), count)?;
                Ok(Reply::Integer(count.unwrap_or(0) as i64))
            }
        }
    )* };
}

commands! {
    Zcount, "ZCOUNT", "2.0.0", "O(log(N)) with N the members", Bounds::scores, "How many members have a score in a range.";
    Zlexcount, "ZLEXCOUNT", "2.8.9", "O(log(N)) with N the members", Bounds::names, "How many members have a name in a range, where all scores are equal.";
}
