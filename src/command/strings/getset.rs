//! `GETSET key value`: puts a string under a key; the string that was there. `SET key value GET` does the same.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::with_text;
use crate::command::{Args, Command, Context, Flags, Group, KeySpec, Spec, Write};
use crate::error::CommandError;
use crate::keyspace::{Key, Value, Writer};
use crate::resp::Reply;

#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub struct Getset {
    key: Key,
    value: Box<[u8]>,
}

impl Command for Getset {
    const SPEC: Spec = Spec {
        name: "GETSET",
        aliases: &[],
        arity: 3,
        keys: KeySpec::FIRST,
        group: Group::String,
        since: "1.0.0",
        complexity: "O(1)",
        summary: "Puts a string under a key and answers the one that was there.",
        syntax: "key value",
    };
    const FLAGS: Flags = Flags { fast: true, ..Flags::DEFAULT };
}

impl Write for Getset {
    const EVENT: &'static str = "SET";

    fn parse(args: &mut Args<'_>, _context: &Context) -> Result<Getset, CommandError> {
        Ok(Getset { key: args.key()?, value: args.word()?[..].into() })
    }

    fn apply(self, keyspace: &mut Writer<'_>) -> Result<Reply, CommandError> {
        let before = with_text(keyspace, self.key.as_bytes(), Bytes::copy_from_slice)?;
        keyspace.replace(self.key, Value::Text(self.value));
        Ok(before.map_or(Reply::Null, Reply::Bulk))
    }
}
