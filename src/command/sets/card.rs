//! `SCARD key`: how many members a set has, 0 without a key.

use super::spec;
use crate::command::{Args, Command, Context, Flags, Read, Spec, Usage};
use crate::error::CommandError;
use crate::keyspace::{Collection, Key, Set, View};
use crate::resp::Reply;

pub struct Scard {
    key: Key,
}

impl Command for Scard {
    const SPEC: Spec =
        spec("SCARD", 2, "1.0.0", "O(1)", "How many members a set has.", "key").used(Usage::LOOKED_AT);
    const FLAGS: Flags = Flags { fast: true, ..Flags::DEFAULT };
}

impl Read for Scard {
    fn parse(args: &mut Args<'_>, _context: &Context) -> Result<Scard, CommandError> {
        Ok(Scard { key: args.key()? })
    }

    fn run(self, keyspace: &View<'_>) -> Result<Reply, CommandError> {
        let len = keyspace.with_collection(self.key.as_bytes(), Set::len)?;
        Ok(Reply::Integer(len.unwrap_or(0) as i64))
    }
}
