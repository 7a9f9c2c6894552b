//! `LLEN key`: how many elements a list has, 0 without a key.

use super::spec;
use crate::command::{Args, Command, Context, Flags, Read, Spec, Usage};
use crate::error::CommandError;
use crate::keyspace::{Collection, Key, List, View};
use crate::resp::Reply;

pub struct Llen {
    key: Key,
}

impl Command for Llen {
    const SPEC: Spec =
        spec("LLEN", 2, "1.0.0", "O(1)", "How many elements a list has.", "key").used(Usage::LOOKED_AT);
    const FLAGS: Flags = Flags { fast: true, ..Flags::DEFAULT };
}

impl Read for Llen {
    fn parse(args: &mut Args<'_>, _context: &Context) -> Result<Llen, CommandError> {
        Ok(Llen { key: args.key()? })
    }

    fn run(self, keyspace: &View<'_>) -> Result<Reply, CommandError> {
        let len = keyspace.with_collection(self.key.as_bytes(), List::len)?;
        Ok(Reply::Integer(len.unwrap_or(0) as i64))
    }
}
