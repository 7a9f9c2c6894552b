//! `COPY source destination [DB 0] [REPLACE]`: gives a value a second key; whether it did.

use serde::{Deserialize, Serialize};

use crate::command::{Args, Command, Context, Group, KeySpec, Spec, Usage, Write};
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
        complexity: "O(N) with N the elements of a collection; O(1) for a string",
        summary: "Gives a value a second key.",
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
        let entry = keyspace.with(self.source.as_bytes(), Clone::clone);
        let free = self.replace || !keyspace.exists(self.destination.as_bytes());
        let Some(entry) = entry.filter(|_| free) else { return Ok(Reply::Integer(0)) };
        keyspace.put_entry(self.destination, entry);
        Ok(Reply::Integer(1))
    }
}
