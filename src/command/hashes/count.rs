//! `HLEN key`: how many fields a hash has, 0 without a key.

use super::spec;
use crate::command::{Args, Command, Context, Read, Spec};
use crate::error::Answer;
use crate::keyspace::{Collection, Hash, Key, View};
use crate::resp::Reply;

pub struct Hlen {
    key: Key,
}

impl Command for Hlen {
    const SPEC: Spec = spec("HLEN", 2, "How many fields a hash has.", "key");
}

impl Read for Hlen {
    fn parse(args: &mut Args<'_>, _context: &Context) -> Result<Hlen, Answer> {
        Ok(Hlen { key: args.key()? })
    }

    fn run(self, keyspace: &View<'_>) -> Result<Reply, Answer> {
        let len = keyspace.with_collection(self.key.as_bytes(), Hash::len)?;
        Ok(Reply::Integer(len.unwrap_or(0) as i64))
    }
}
