//! `SREM key member ...`: takes members out of a set; how many there were.

use serde::{Deserialize, Serialize};

use super::spec;
use crate::command::{Args, Command, Context, Flags, Spec, Usage, Write};
use crate::error::CommandError;
use crate::keyspace::{Edited, Element, Key, Set, Writer};
use crate::resp::Reply;

#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub struct Srem {
    key: Key,
    members: Vec<Element>,
}

impl Command for Srem {
    const SPEC: Spec = spec(
        "SREM",
        -3,
        "1.0.0",
        "O(N) with N the elements that go",
        "Takes members out of a set.",
        "key member ...",
    )
    .used(Usage::TAKEN_FROM);
    const FLAGS: Flags = Flags { fast: true, denyoom: false, ..Flags::DEFAULT };
}

impl Write for Srem {
    fn parse(args: &mut Args<'_>, _context: &Context) -> Result<Srem, CommandError> {
        Ok(Srem { key: args.key()?, members: args.elements()? })
    }

    fn apply(self, keyspace: &mut Writer<'_>) -> Result<Reply, CommandError> {
        let removed = keyspace.edit_collection(self.key.as_bytes(), |set: &mut Set| {
            let removed = self.members.iter().filter(|member| set.remove(member.as_bytes())).count();
            Ok(if removed == 0 { Edited::Unchanged(0) } else { Edited::Changed(removed as i64) })
        })?;
        Ok(Reply::Integer(removed.unwrap_or(0)))
    }
}
