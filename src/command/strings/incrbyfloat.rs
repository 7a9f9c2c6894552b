//! `INCRBYFLOAT key increment`: adds to a number that need not be whole; the new number.

use serde::{Deserialize, Serialize};

use super::{decimal, with_text};
use crate::command::{Args, Command, Context, Flags, Group, KeySpec, Spec, Write};
use crate::error::CommandError;
use crate::keyspace::{Key, Value, Writer};
use crate::resp::Reply;

pub const NOT_A_FLOAT: CommandError = CommandError::fixed("ERR value is not a valid float");
const NOT_FINITE: CommandError = CommandError::fixed("ERR increment would produce NaN or Infinity");

#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub struct Incrbyfloat {
    key: Key,
    by: f64,
}

impl Command for Incrbyfloat {
    const SPEC: Spec = Spec {
        name: "INCRBYFLOAT",
        aliases: &[],
        arity: 3,
        keys: KeySpec::FIRST,
        group: Group::String,
        since: "2.6.0",
        complexity: "O(1)",
        summary: "Adds to a number that need not be whole.",
        syntax: "key increment",
    };
    const FLAGS: Flags = Flags { fast: true, ..Flags::DEFAULT };
}

impl Write for Incrbyfloat {
    fn parse(args: &mut Args<'_>, _context: &Context) -> Result<Incrbyfloat, CommandError> {
        let (key, word) = (args.key()?, args.word()?);
        let by = real(word).ok_or(NOT_A_FLOAT)?;
        if by.is_finite() { Ok(Incrbyfloat { key, by }) } else { Err(NOT_FINITE) }
    }

    fn apply(self, keyspace: &mut Writer<'_>) -> Result<Reply, CommandError> {
        let text = with_text(keyspace, self.key.as_bytes(), |before| plus(before, self.by, NOT_A_FLOAT))?;
        let text = text.unwrap_or_else(|| plus(b"0", self.by, NOT_A_FLOAT))?;
        keyspace.put_keeping_deadline(self.key, Value::Text(text.as_bytes().into()));
        Ok(Reply::bulk(text))
    }
}

/// The text of a number plus another; `no_number` when the text is none.
pub fn plus(before: &[u8], by: f64, no_number: CommandError) -> Result<String, CommandError> {
    let text = std::str::from_utf8(before).ok().filter(|_| real(before).is_some());
    decimal::sum(text.ok_or(no_number)?, by).ok_or(NOT_FINITE)
}

pub fn real(text: &[u8]) -> Option<f64> {
    std::str::from_utf8(text).ok()?.parse().ok().filter(|real: &f64| !real.is_nan())
}
