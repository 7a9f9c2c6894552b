//! Writes of a part of a string.
//!
//! * `APPEND key value`: appends to a string, or creates it, and returns the new length.
//! * `SETRANGE key offset value`: overwrites a part of a string, extends it with zero bytes if
//!   needed, and returns the new length.

use serde::{Deserialize, Serialize};

use super::{TEXT_BYTES_MAX, TOO_LONG, with_text};
use crate::command::{Args, Command, Context, Flags, Group, KeySpec, Spec, Usage, Write};
use crate::error::CommandError;
use crate::keyspace::{Key, Value, Writer};
use crate::resp::Reply;

#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub struct Append {
    key: Key,
    value: Box<[u8]>,
}

impl Command for Append {
    const SPEC: Spec = Spec {
        name: "APPEND",
        aliases: &[],
        arity: 3,
        keys: KeySpec::FIRST.used(Usage::INSERTED_INTO),
        group: Group::String,
        since: "2.0.0",
        complexity: "O(1)",
        summary: "Appends bytes to a string, which is created if missing.",
        syntax: "key value",
    };
    const FLAGS: Flags = Flags { fast: true, ..Flags::DEFAULT };
}

impl Write for Append {
    fn parse(args: &mut Args<'_>, _context: &Context) -> Result<Append, CommandError> {
        Ok(Append { key: args.key()?, value: args.word()?[..].into() })
    }

    fn apply(self, keyspace: &mut Writer<'_>) -> Result<Reply, CommandError> {
        let more = &self.value;
        let text = with_text(keyspace, self.key.as_bytes(), |text| [text, more].concat())?;
        let text = text.unwrap_or_else(|| more.to_vec());
        if text.len() > TEXT_BYTES_MAX {
            return Err(TOO_LONG);
        }
        let length = text.len() as i64;
        keyspace.put_keeping_deadline(self.key, Value::Text(text.into()));
        Ok(Reply::Integer(length))
    }
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub struct Setrange {
    key: Key,
    offset: usize,
    value: Box<[u8]>,
}

impl Command for Setrange {
    const SPEC: Spec = Spec {
        name: "SETRANGE",
        aliases: &[],
        arity: 4,
        keys: KeySpec::FIRST.used(Usage::UPDATED),
        group: Group::String,
        since: "2.2.0",
        complexity: "O(1) for a short value, else O(M), M: bytes of the value",
        summary: "Overwrites a string from an offset on, and pads a shorter one with zero bytes.",
        syntax: "key offset value",
    };
}

impl Write for Setrange {
    fn parse(args: &mut Args<'_>, _context: &Context) -> Result<Setrange, CommandError> {
        let (key, offset) = (args.key()?, args.integer()?);
        let offset =
            usize::try_from(offset).map_err(|_| CommandError::fixed("ERR offset is out of range"))?;
        Ok(Setrange { key, offset, value: args.word()?[..].into() })
    }

    fn apply(self, keyspace: &mut Writer<'_>) -> Result<Reply, CommandError> {
        let length = with_text(keyspace, self.key.as_bytes(), <[u8]>::len)?.unwrap_or(0);
        if self.value.is_empty() {
            return Ok(Reply::Integer(length as i64));
        }
        let end = self.offset.saturating_add(self.value.len());
        if end > TEXT_BYTES_MAX {
            return Err(TOO_LONG);
        }
        let mut text = vec![0; length.max(end)];
        with_text(keyspace, self.key.as_bytes(), |before| text[..length].copy_from_slice(before))?;
        text[self.offset..end].copy_from_slice(&self.value);
        let length = text.len() as i64;
        keyspace.put_keeping_deadline(self.key, Value::Text(text.into()));
        Ok(Reply::Integer(length))
    }
}
