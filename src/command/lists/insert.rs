//! `LINSERT key BEFORE|AFTER pivot element`: puts an element beside another; the new length, -1 without the other.

use serde::{Deserialize, Serialize};

use crate::command::{Args, Command, Context, Group, Spec, Usage, Write};
use crate::error::CommandError;
use crate::keyspace::{Collection, Edited, Element, Key, List, Writer};
use crate::resp::Reply;

#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub struct Linsert {
    key: Key,
    after: bool,
    pivot: Element,
    element: Element,
}

impl Command for Linsert {
    const SPEC: Spec = Spec::of_key(
        Group::List,
        "LINSERT",
        5,
        "2.2.0",
        "O(N) with N the elements on the way to the pivot; O(1) at the left end",
        "Puts an element beside another.",
        "key (BEFORE | AFTER) pivot element",
    )
    .used(Usage::ADDED_TO);
}

impl Write for Linsert {
    fn parse(args: &mut Args<'_>, _context: &Context) -> Result<Linsert, CommandError> {
        let key = args.key()?;
        let after = args.keyword("AFTER");
        if !after && !args.keyword("BEFORE") {
            return Err(CommandError::SYNTAX);
        }
        Ok(Linsert { key, after, pivot: args.element()?, element: args.element()? })
    }

    fn apply(self, keyspace: &mut Writer<'_>) -> Result<Reply, CommandError> {
        let len = keyspace.edit_collection(self.key.as_bytes(), |list: &mut List| {
            let Some(place) = list.iter().position(|one| *one == self.pivot) else {
                return Ok(Edited::Unchanged(-1));
            };
            list.room_for(self.element.cost())?;
            list.insert(place + usize::from(self.after), self.element);
            Ok(Edited::Changed(list.len() as i64))
        })?;
        Ok(Reply::Integer(len.unwrap_or(0)))
    }
}
