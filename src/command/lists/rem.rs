//! `LREM key count element`: takes equal elements away, from the end if the count is negative, all if it is 0; how many.

use serde::{Deserialize, Serialize};

use crate::command::{Args, Command, Context, Flags, Group, Spec, Usage, Write};
use crate::error::CommandError;
use crate::keyspace::{Edited, Element, Key, List, Writer};
use crate::resp::Reply;

#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub struct Lrem {
    key: Key,
    count: i64,
    element: Element,
}

impl Command for Lrem {
    const SPEC: Spec = Spec::of_key(
        Group::List,
        "LREM",
        4,
        "1.0.0",
        "O(N+M) with N the elements of the list and M those that go",
        "Takes equal elements out of a list.",
        "key count element",
    )
    .used(Usage::TAKEN_FROM);
    const FLAGS: Flags = Flags { denyoom: false, ..Flags::DEFAULT };
}

impl Write for Lrem {
    fn parse(args: &mut Args<'_>, _context: &Context) -> Result<Lrem, CommandError> {
        Ok(Lrem { key: args.key()?, count: args.integer()?, element: args.element()? })
    }

    fn apply(self, keyspace: &mut Writer<'_>) -> Result<Reply, CommandError> {
        let removed = keyspace.edit_collection(self.key.as_bytes(), |list: &mut List| {
            let count = match self.count {
                0 => usize::MAX,
                count => usize::try_from(count.unsigned_abs()).unwrap_or(usize::MAX),
            };
            match list.remove_equal(self.element.as_bytes(), count, self.count < 0) {
                0 => Ok(Edited::Unchanged(0)),
                removed => Ok(Edited::Changed(removed as i64)),
            }
        })?;
        Ok(Reply::Integer(removed.unwrap_or(0)))
    }
}
