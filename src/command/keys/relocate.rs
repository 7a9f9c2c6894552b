//! Commands that copy and rename keys.
//!
//! * `COPY source destination [DB 0] [REPLACE]`: copies a value to another key, and returns whether
//!   a copy was made.
//! * `RENAME key newkey`: renames a key, overwriting any value under the new name.
//! * `RENAMENX key newkey`: renames a key unless `newkey` exists, and returns whether the key was
//!   renamed.

use serde::{Deserialize, Serialize};

use crate::command::{Args, Command, Context, Flags, Group, KeySpec, Spec, Usage, Write};
use crate::error::CommandError;
use crate::keyspace::{Key, Writer};
use crate::resp::Reply;

#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub struct Copy {
    source: Key,
    destination: Key,
    replace: bool,
}

impl Command for Copy {
    const SPEC: Spec = Spec {
        name: "COPY",
        aliases: &[],
        arity: -3,
        keys: KeySpec::both(Usage::READ, Usage::REPLACED),
        group: Group::Generic,
        since: "6.2.0",
        complexity: "O(N), N: elements of a collection; O(1) for a string",
        summary: "Stores a copy of a value under another key.",
        syntax: "source destination [DB database] [REPLACE]",
    };
}

impl Write for Copy {
    const EVENT: &'static str = "COPY_TO";

    fn parse(args: &mut Args<'_>, _context: &Context) -> Result<Copy, CommandError> {
        let (source, destination) = (args.key()?, args.key()?);
        let mut replace = false;
        while !args.is_empty() {
            if args.keyword("REPLACE") {
                replace = true;
            } else if args.left() > 1 && args.keyword("DB") {
                if args.integer()? != 0 {
                    return Err(CommandError::fixed("ERR DB index is out of range"));
                }
            } else {
                return Err(CommandError::SYNTAX);
            }
        }
        if source == destination {
            return Err(CommandError::fixed("ERR source and destination objects are the same"));
        }
        Ok(Copy { source, destination, replace })
    }

    fn apply(self, keyspace: &mut Writer<'_>) -> Result<Reply, CommandError> {
        let entry = keyspace.entry(self.source.as_bytes());
        let free = self.replace || !keyspace.exists(self.destination.as_bytes());
        let Some(entry) = entry.filter(|_| free) else { return Ok(Reply::Integer(0)) };
        keyspace.put_entry(self.destination, entry);
        Ok(Reply::Integer(1))
    }
}

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
        keys: KeySpec::both(Usage::READ_AND_DELETED_FROM, Usage::REPLACED),
        group: Group::Generic,
        since: "1.0.0",
        complexity: "O(1)",
        summary: "Gives a key a new name, and replaces any key with that name.",
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
        keys: KeySpec::both(Usage::READ_AND_DELETED_FROM, Usage::CREATED),
        group: Group::Generic,
        since: "1.0.0",
        complexity: "O(1)",
        summary: "Gives a key a new name, unless a key with that name exists.",
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
