//! `HINCRBYFLOAT key field increment`: adds to the number that a field has, which need not be whole; the new number.

use serde::{Deserialize, Serialize};

use crate::command::strings::incrbyfloat::{NOT_A_FLOAT, plus, real};
use crate::command::{Args, Command, Context, Flags, Group, Spec, Write};
use crate::error::CommandError;
use crate::keyspace::{Collection, Edited, Element, Hash, Key, Writer};
use crate::resp::Reply;

#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub struct Hincrbyfloat {
    key: Key,
    field: Element,
    by: f64,
}

impl Command for Hincrbyfloat {
    const SPEC: Spec = Spec::of_key(
        Group::Hash,
        "HINCRBYFLOAT",
        4,
        "2.6.0",
        "O(1)",
        "Adds to the number that a field has, which need not be whole.",
        "key field increment",
    );
    const FLAGS: Flags = Flags { fast: true, ..Flags::DEFAULT };
}

impl Write for Hincrbyfloat {
    fn parse(args: &mut Args<'_>, _context: &Context) -> Result<Hincrbyfloat, CommandError> {
        let (key, field, word) = (args.key()?, args.element()?, args.word()?);
        let by = real(word).ok_or(NOT_A_FLOAT)?;
        if !by.is_finite() {
            return Err(CommandError::fixed("ERR value is NaN or Infinity"));
        }
        Ok(Hincrbyfloat { key, field, by })
    }

    fn apply(self, keyspace: &mut Writer<'_>) -> Result<Reply, CommandError> {
        let after = keyspace.edit_or_begin(self.key, |hash: &mut Hash| {
            let before = hash.get(self.field.as_bytes()).map_or(&b"0"[..], Element::as_bytes);
            let text = plus(before, self.by, CommandError::fixed("ERR hash value is not a float"))?;
            let value = Element::from(text.as_bytes());
            hash.room_for(self.field.cost() + value.cost())?;
            hash.insert(self.field, value);
            Ok(Edited::Changed(text))
        })?;
        Ok(Reply::bulk(after))
    }
}
