//! `PERSIST key`: takes a key's deadline away; whether it had one.

use serde::{Deserialize, Serialize};

use crate::command::{Args, Command, Context, Flags, Group, KeySpec, Spec, Usage, Write};
use crate::error::CommandError;
use crate::keyspace::{Key, Writer};
use crate::resp::Reply;

#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub struct Persist {
    key: Key,
}

impl Command for Persist {
    const SPEC: Spec = Spec {
        name: "PERSIST",
        aliases: &[],
        arity: 2,
        keys: KeySpec::FIRST.used(Usage::UPDATED),
        group: Group::Generic,
        since: "2.2.0",
        complexity: "O(1)",
        summary: "Takes a key's deadline away.",
        syntax: "key",
    };
    const FLAGS: Flags = Flags { fast: true, denyoom: false, ..Flags::DEFAULT };
}

impl Write for Persist {
    fn parse(args: &mut Args<'_>, _context: &Context) -> Result<Persist, CommandError> {
        Ok(Persist { key: args.key()? })
    }

    fn apply(self, keyspace: &mut Writer<'_>) -> Result<Reply, CommandError> {
        let key = self.key.as_bytes();
        let temporary = keyspace.with(key, |entry| entry.expires_ms.is_some()) == Some(true);
        Ok(Reply::Integer(i64::from(temporary && keyspace.set_deadline(key, None))))
    }
}
