//! `RENAME key newkey`: gives a value another key, in the place of what was there.

use serde::{Deserialize, Serialize};

use crate::command::{Args, Command, Context, Flags, Group, KeySpec, Spec, Usage, Write};
use crate::error::CommandError;
use crate::keyspace::{Key, Writer};
use crate::resp::Reply;

const NO_SUCH_KEY: CommandError = CommandError::fixed("ERR no such key");

#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub struct Rename {
    key: Key,
    newkey: Key,
}

impl Command for Rename {
    const SPEC: Spec = Spec {
        name: "RENAME",
        aliases: &[],
        arity: 3,
        keys: KeySpec::both(Usage::READ_AND_TAKEN_FROM, Usage::REPLACED),
        group: Group::Generic,
        since: "1.0.0",
        complexity: "O(1)",
        summary: "Gives a value another key.",
        syntax: "key newkey",
    };
    const FLAGS: Flags = Flags { denyoom: false, ..Flags::DEFAULT };
}

impl Write for Rename {
    const EVENT: &'static str = "RENAME_TO";
    const REMOVAL: &'static str = "RENAME_FROM";

    fn parse(args: &mut Args<'_>, _context: &Context) -> Result<Rename, CommandError> {
        Ok(Rename { key: args.key()?, newkey: args.key()? })
    }

    fn apply(self, keyspace: &mut Writer<'_>) -> Result<Reply, CommandError> {
        if !keyspace.exists(self.key.as_bytes()) {
            return Err(NO_SUCH_KEY);
        }
        if self.key != self.newkey {
            keyspace.rename(self.key.as_bytes(), self.newkey);
        }
        Ok(Reply::OK)
    }
}
