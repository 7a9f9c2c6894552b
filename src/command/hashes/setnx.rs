//! `HSETNX key field value`: gives a field that is not there a value; whether it did.

use serde::{Deserialize, Serialize};

use crate::command::{Args, Command, Context, Flags, Group, Spec, Usage, Write};
use crate::error::CommandError;
use crate::keyspace::{Collection, Edited, Element, Hash, Key, Writer};
use crate::resp::Reply;

#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub struct Hsetnx {
    key: Key,
    field: Element,
    value: Element,
}

impl Command for Hsetnx {
    const SPEC: Spec = Spec::of_key(
        Group::Hash,
        "HSETNX",
        4,
        "2.0.0",
        "O(1)",
        "Gives a field that is not there a value.",
        "key field value",
    )
    .used(Usage::ADDED_TO);
    const FLAGS: Flags = Flags { fast: true, ..Flags::DEFAULT };
}

impl Write for Hsetnx {
    const EVENT: &'static str = "HSET";

    fn parse(args: &mut Args<'_>, _context: &Context) -> Result<Hsetnx, CommandError> {
        Ok(Hsetnx { key: args.key()?, field: args.element()?, value: args.element()? })
    }

    fn apply(self, keyspace: &mut Writer<'_>) -> Result<Reply, CommandError> {
        let set = keyspace.edit_or_begin(self.key, |hash: &mut Hash| {
            if hash.contains(self.field.as_bytes()) {
                return Ok(Edited::Unchanged(0));
            }
            hash.room_for(self.field.cost() + self.value.cost())?;
            hash.insert(self.field, self.value);
            Ok(Edited::Changed(1))
        })?;
        Ok(Reply::Integer(set))
    }
}
