//! `HLEN key`: how many fields a hash has, 0 without a key.

use super::spec;
use crate::command::{Args, Command, Context, Flags, Read, Spec, Usage};
use crate::error::CommandError;
use crate::keyspace::{Collection, Hash, Key, View};
use crate::resp::Reply;

pub struct Hlen {
    key: Key,
}

impl Command for Hlen {
    const SPEC: Spec =
        spec("HLEN", 2, "2.0.0", "O(1)", "How many fields a hash has.", "key").used(Usage::LOOKED_AT);
    const FLAGS: Flags = Flags { fast: true, ..Flags::DEFAULT };
}

impl Read for Hlen {
    fn parse(args: &mut Args<'_>, _context: &Context) -> Result<Hlen, CommandError> {
        Ok(Hlen { key: args.key()? })
    }

    fn run(self, keyspace: &View<'_>) -> Result<Reply, CommandError> {
        let len = keyspace.with_collection(self.key.as_bytes(), Hash::len)?;
        Ok(Reply::Integer(len.unwrap_or(0) as i64))
    }
}
