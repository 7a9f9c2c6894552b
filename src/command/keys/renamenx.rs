//! `RENAMENX key newkey`: gives a value another key, unless there is one; whether it did.

use serde::{Deserialize, Serialize};

use crate::command::{Args, Command, Context, Flags, Group, KeySpec, Spec, Usage, Write};
use crate::error::CommandError;
use crate::keyspace::{Key, Writer};
use crate::resp::Reply;

const NO_SUCH_KEY: CommandError = CommandError::fixed("ERR no such key");

#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub struct Renamenx {
    key: Key,
    newkey: Key,
}

impl Command for Renamenx {
    const SPEC: Spec = Spec {
        name: "RENAMENX",
        aliases: &[],
        arity: 3,
        keys: KeySpec::both(Usage::READ_AND_TAKEN_FROM, Usage::CREATED),
        group: Group::Generic,
        since: "1.0.0",
        complexity: "O(1)",
        summary: "Gives a value another key that is free.",
        syntax: "key newkey",
    };
    const FLAGS: Flags = Flags { fast: true, denyoom: false, ..Flags::DEFAULT };
}

impl Write for Renamenx {
    const EVENT: &'static str = "RENAME_TO";
    const REMOVAL: &'static str = "RENAME_FROM";

    fn parse(args: &mut Args<'_>, _context: &Context) -> Result<Renamenx, CommandError> {
        Ok(Renamenx { key: args.key()?, newkey: args.key()? })
    }

    fn apply(self, keyspace: &mut Writer<'_>) -> Result<Reply, CommandError> {
        if !keyspace.exists(self.key.as_bytes()) {
            return Err(NO_SUCH_KEY);
        }
        if keyspace.exists(self.newkey.as_bytes()) {
            return Ok(Reply::Integer(0));
        }
        keyspace.rename(self.key.as_bytes(), self.newkey);
        Ok(Reply::Integer(1))
    }
}
