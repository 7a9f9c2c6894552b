//! `LSET key index element`: puts an element in the place of another.

use serde::{Deserialize, Serialize};

use crate::command::framework::range::position;
use crate::command::{Args, Command, Context, Group, Spec, Usage, Write};
use crate::error::CommandError;
use crate::keyspace::{Collection, Edited, Element, Key, List, Writer};
use crate::resp::Reply;

#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub struct Lset {
    key: Key,
    index: i64,
    element: Element,
}

impl Command for Lset {
    const SPEC: Spec = Spec::of_key(
        Group::List,
        "LSET",
        4,
        "1.0.0",
        "O(N) with N the elements on the way; the first and the last take O(1)",
        "Puts an element in the place of another.",
        "key index element",
    )
    .used(Usage::UPDATED);
}

impl Write for Lset {
    fn parse(args: &mut Args<'_>, _context: &Context) -> Result<Lset, CommandError> {
        Ok(Lset { key: args.key()?, index: args.integer()?, element: args.element()? })
    }

    fn apply(self, keyspace: &mut Writer<'_>) -> Result<Reply, CommandError> {
        let set = keyspace.edit_collection(self.key.as_bytes(), |list: &mut List| {
            let place =
                position(self.index, list.len()).ok_or(CommandError::fixed("ERR index out of range"))?;
            list.room_for(self.element.cost())?;
            list.set(place, self.element);
            Ok(Edited::Changed(Reply::OK))
        })?;
        set.ok_or(CommandError::fixed("ERR no such key"))
    }
}
