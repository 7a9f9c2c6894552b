//! `HINCRBY key field increment`: adds to the number that a field has; the new number.

use serde::{Deserialize, Serialize};

use crate::command::strings::whole;
use crate::command::{Args, Command, Context, Flags, Group, Spec, Write};
use crate::error::CommandError;
use crate::keyspace::{Collection, Edited, Element, Hash, Key, Writer};
use crate::resp::Reply;

const NOT_WHOLE: CommandError = CommandError::fixed("ERR hash value is not an integer");
const OVERFLOW: CommandError = CommandError::fixed("ERR increment or decrement would overflow");

#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub struct Hincrby {
    key: Key,
    field: Element,
    by: i64,
}

impl Command for Hincrby {
    const SPEC: Spec = Spec::of_key(
        Group::Hash,
        "HINCRBY",
        4,
        "2.0.0",
        "O(1)",
        "Adds to the number that a field has.",
        "key field increment",
    );
    const FLAGS: Flags = Flags { fast: true, ..Flags::DEFAULT };
}

impl Write for Hincrby {
    fn parse(args: &mut Args<'_>, _context: &Context) -> Result<Hincrby, CommandError> {
        Ok(Hincrby { key: args.key()?, field: args.element()?, by: args.integer()? })
    }

    fn apply(self, keyspace: &mut Writer<'_>) -> Result<Reply, CommandError> {
        let after = keyspace.edit_or_begin(self.key, |hash: &mut Hash| {
            let before = match hash.get(self.field.as_bytes()) {
                Some(value) => whole(value.as_bytes()).ok_or(NOT_WHOLE)?,
                None => 0,
            };
            let after = before.checked_add(self.by).ok_or(OVERFLOW)?;
            let value = Element::from(itoa::Buffer::new().format(after).as_bytes());
            hash.room_for(self.field.cost() + value.cost())?;
            hash.insert(self.field, value);
            Ok(Edited::Changed(after))
        })?;
        Ok(Reply::Integer(after))
    }
}
