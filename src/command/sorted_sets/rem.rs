//! `ZREM key member ...`: takes members out; how many there were.

use serde::{Deserialize, Serialize};

use super::spec;
use crate::command::{Args, Command, Context, Flags, Spec, Usage, Write};
use crate::error::CommandError;
use crate::keyspace::{Edited, Element, Key, SortedSet, Writer};
use crate::resp::Reply;

#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub struct Zrem {
    key: Key,
    members: Vec<Element>,
}

impl Command for Zrem {
    const SPEC: Spec = spec(
        "ZREM",
        -3,
        "1.2.0",
        "O(M*log(N)) with N the members and M those that go",
        "Takes members out of a sorted set.",
        "key member ...",
    )
    .used(Usage::TAKEN_FROM);
    const FLAGS: Flags = Flags { fast: true, denyoom: false, ..Flags::DEFAULT };
}

impl Write for Zrem {
    fn parse(args: &mut Args<'_>, _context: &Context) -> Result<Zrem, CommandError> {
        Ok(Zrem { key: args.key()?, members: args.elements()? })
    }

    fn apply(self, keyspace: &mut Writer<'_>) -> Result<Reply, CommandError> {
        let removed = keyspace.edit_collection(self.key.as_bytes(), |set: &mut SortedSet| {
            let removed = self.members.iter().filter_map(|member| set.remove(member.as_bytes())).count();
            Ok(if removed == 0 { Edited::Unchanged(0) } else { Edited::Changed(removed as i64) })
        })?;
        Ok(Reply::Integer(removed.unwrap_or(0)))
    }
}
