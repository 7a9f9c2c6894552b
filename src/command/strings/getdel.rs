//! `GETDEL key`: a string, which is taken away.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::with_text;
use crate::command::{Args, Command, Context, Flags, Group, KeySpec, Spec, Usage, Write};
use crate::error::CommandError;
use crate::keyspace::{Key, Writer};
use crate::resp::Reply;

#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub struct Getdel {
    key: Key,
}

impl Command for Getdel {
    const SPEC: Spec = Spec {
        name: "GETDEL",
        aliases: &[],
        arity: 2,
        keys: KeySpec::FIRST.used(Usage::READ_AND_TAKEN_FROM),
        group: Group::String,
        since: "6.2.0",
        complexity: "O(1)",
        summary: "A string, which is taken away.",
        syntax: "key",
    };
    const FLAGS: Flags = Flags { fast: true, denyoom: false, ..Flags::DEFAULT };
}

impl Write for Getdel {
    fn parse(args: &mut Args<'_>, _context: &Context) -> Result<Getdel, CommandError> {
        Ok(Getdel { key: args.key()? })
    }

    fn apply(self, keyspace: &mut Writer<'_>) -> Result<Reply, CommandError> {
        let key = self.key.as_bytes();
        let Some(text) = with_text(keyspace, key, Bytes::copy_from_slice)? else { return Ok(Reply::Null) };
        keyspace.remove(key);
        Ok(Reply::Bulk(text))
    }
}
