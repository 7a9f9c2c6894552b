//! `SCARD key`: how many members a set has, 0 without a key.

use super::spec;
use crate::command::{Args, Command, Context, Read, Spec};
use crate::error::Answer;
use crate::keyspace::{Collection, Key, Set, View};
use crate::resp::Reply;

pub struct Scard {
    key: Key,
}

impl Command for Scard {
    const SPEC: Spec = spec("SCARD", 2, "How many members a set has.", "key");
}

impl Read for Scard {
    fn parse(args: &mut Args<'_>, _context: &Context) -> Result<Scard, Answer> {
        Ok(Scard { key: args.key()? })
    }

    fn run(self, keyspace: &View<'_>) -> Result<Reply, Answer> {
        let len = keyspace.with_collection(self.key.as_bytes(), Set::len)?;
        Ok(Reply::Integer(len.unwrap_or(0) as i64))
    }
}
