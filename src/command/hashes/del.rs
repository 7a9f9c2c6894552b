//! `HDEL key field ...`: takes fields out of a hash; how many there were.

use serde::{Deserialize, Serialize};

use super::spec;
use crate::command::{Args, Command, Context, Flags, Spec, Usage, Write};
use crate::error::CommandError;
use crate::keyspace::{Edited, Element, Hash, Key, Writer};
use crate::resp::Reply;

#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub struct Hdel {
    key: Key,
    fields: Vec<Element>,
}

impl Command for Hdel {
    const SPEC: Spec = spec(
        "HDEL",
        -3,
        "2.0.0",
        "O(N) with N the fields that are asked for",
        "Takes fields out of a hash.",
        "key field ...",
    )
    .used(Usage::TAKEN_FROM);
    const FLAGS: Flags = Flags { fast: true, denyoom: false, ..Flags::DEFAULT };
}

impl Write for Hdel {
    fn parse(args: &mut Args<'_>, _context: &Context) -> Result<Hdel, CommandError> {
        Ok(Hdel { key: args.key()?, fields: args.elements()? })
    }

    fn apply(self, keyspace: &mut Writer<'_>) -> Result<Reply, CommandError> {
        let removed = keyspace.edit_collection(self.key.as_bytes(), |hash: &mut Hash| {
            let removed = self.fields.iter().filter(|field| hash.remove(field.as_bytes())).count();
            Ok(if removed == 0 { Edited::Unchanged(0) } else { Edited::Changed(removed as i64) })
        })?;
        Ok(Reply::Integer(removed.unwrap_or(0)))
    }
}
