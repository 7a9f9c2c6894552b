//! `SETNX key value`: puts a string under a key that is free; whether it did.

use serde::{Deserialize, Serialize};

use crate::command::{Args, Command, Context, Flags, Group, KeySpec, Spec, Usage, Write};
use crate::error::CommandError;
use crate::keyspace::{Key, Value, Writer};
use crate::resp::Reply;

#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub struct Setnx {
    key: Key,
    value: Box<[u8]>,
}

impl Command for Setnx {
    const SPEC: Spec = Spec {
        name: "SETNX",
        aliases: &[],
        arity: 3,
        keys: KeySpec::FIRST.used(Usage::CREATED),
        group: Group::String,
        since: "1.0.0",
        complexity: "O(1)",
        summary: "Puts a string under a key that is free.",
        syntax: "key value",
    };
    const FLAGS: Flags = Flags { fast: true, ..Flags::DEFAULT };
}

impl Write for Setnx {
    const EVENT: &'static str = "SET";

    fn parse(args: &mut Args<'_>, _context: &Context) -> Result<Setnx, CommandError> {
        Ok(Setnx { key: args.key()?, value: args.word()?[..].into() })
    }

    fn apply(self, keyspace: &mut Writer<'_>) -> Result<Reply, CommandError> {
        let free = !keyspace.exists(self.key.as_bytes());
        if free {
            keyspace.replace(self.key, Value::Text(self.value));
        }
        Ok(Reply::Integer(i64::from(free)))
    }
}
