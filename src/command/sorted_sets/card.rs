//! `ZCARD key`: how many members a sorted set has, 0 without a key.

use super::spec;
use crate::command::{Args, Command, Context, Flags, Read, Spec, Usage};
use crate::error::CommandError;
use crate::keyspace::{Collection, Key, SortedSet, View};
use crate::resp::Reply;

pub struct Zcard {
    key: Key,
}

impl Command for Zcard {
    const SPEC: Spec =
        spec("ZCARD", 2, "1.2.0", "O(1)", "How many members a sorted set has.", "key").used(Usage::LOOKED_AT);
    const FLAGS: Flags = Flags { fast: true, ..Flags::DEFAULT };
}

impl Read for Zcard {
    fn parse(args: &mut Args<'_>, _context: &Context) -> Result<Zcard, CommandError> {
        Ok(Zcard { key: args.key()? })
    }

    fn run(self, keyspace: &View<'_>) -> Result<Reply, CommandError> {
        let len = keyspace.with_collection(self.key.as_bytes(), SortedSet::len)?;
        Ok(Reply::Integer(len.unwrap_or(0) as i64))
    }
}
