//! `DELETE key`: takes a key away, whatever it holds; 1 if it was there, else 0.

use serde::{Deserialize, Serialize};

use crate::command::{Args, Command, Context, Flags, Group, KeySpec, Spec, Write};
use crate::error::CommandError;
use crate::keyspace::{Key, Writer};
use crate::resp::Reply;

#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub struct Delete {
    key: Key,
}

impl Command for Delete {
    const SPEC: Spec = Spec {
        name: "DELETE",
        aliases: &[],
        arity: 2,
        keys: KeySpec::FIRST,
        group: Group::Json,
        since: "0.1.0",
        complexity: "O(N) with N the size of the document",
        summary: "Takes a key away.",
        syntax: "key",
    };
    const FLAGS: Flags = Flags { denyoom: false, ..Flags::DEFAULT };
}

impl Write for Delete {
    fn parse(args: &mut Args<'_>, _context: &Context) -> Result<Delete, CommandError> {
        Ok(Delete { key: args.key()? })
    }

    fn apply(self, keyspace: &mut Writer<'_>) -> Result<Reply, CommandError> {
        Ok(Reply::Integer(i64::from(keyspace.remove(self.key.as_bytes()).is_some())))
    }
}
