//! Arithmetic on numbers that are stored as strings.
//!
//! * `INCR key`, `DECR key`, `INCRBY key increment`, `DECRBY key decrement`: adds to an integer and
//!   returns the sum.
//! * `INCRBYFLOAT key increment`: adds to a floating-point number and returns the sum.

use serde::{Deserialize, Serialize};

use super::{decimal, with_text};
use crate::command::framework::canonical_integer;
use crate::command::{Args, Command, Context, Flags, Group, KeySpec, Spec, Write};
use crate::error::CommandError;
use crate::keyspace::{Key, Value, Writer};
use crate::resp::Reply;

pub const OVERFLOW: CommandError = CommandError::fixed("ERR increment or decrement would overflow");

/// The common canonical form of the four commands on integers.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub struct Step {
    key: Key,
    by: i64,
}

macro_rules! incr_commands {
    ($($name:ident, $word:literal, $since:literal, $complexity:literal, $arity:literal, $syntax:literal, $summary:literal, $by:expr;)*) => { $(
        #[derive(Debug, PartialEq, Serialize, Deserialize)]
        pub struct $name(Step);

        impl Command for $name {
            const SPEC: Spec = Spec {
                name: $word,
                aliases: &[],
                arity: $arity,
                keys: KeySpec::FIRST,
                group: Group::String,
                since: $since,
                complexity: $complexity,
                summary: $summary,
                syntax: $syntax,
            };
            const FLAGS: Flags = Flags { fast: true, ..Flags::DEFAULT };
        }

        impl Write for $name {
            const EVENT: &'static str = "INCRBY";

            fn parse(args: &mut Args<'_>, _context: &Context) -> Result<$name, CommandError> {
                let by: fn(&mut Args<'_>) -> Result<i64, CommandError> = $by;
                Ok($name(Step { key: args.key()?, by: by(args)? }))
            }

            fn apply(self, keyspace: &mut Writer<'_>) -> Result<Reply, CommandError> {
                self.0.apply(keyspace)
            }
        }
    )* };
}

incr_commands! {
    Incr, "INCR", "1.0.0", "O(1)", 2, "key", "Adds 1 to an integer; a missing key counts as 0.", |_| Ok(1);
    Decr, "DECR", "1.0.0", "O(1)", 2, "key", "Subtracts 1 from an integer; a missing key counts as 0.", |_| Ok(-1);
    Incrby, "INCRBY", "1.0.0", "O(1)", 3, "key increment", "Adds to an integer; a missing key counts as 0.", |args| args.integer();
    Decrby, "DECRBY", "1.0.0", "O(1)", 3, "key decrement", "Subtracts from an integer; a missing key counts as 0.", |args| {
        args.integer()?.checked_neg().ok_or(CommandError::fixed("ERR decrement would overflow"))
    };
}

impl Step {
    fn apply(self, keyspace: &mut Writer<'_>) -> Result<Reply, CommandError> {
        let before = with_text(keyspace, self.key.as_bytes(), canonical_integer)?;
        let before = before.map_or(Ok(0), |whole| whole.ok_or(CommandError::NOT_AN_INTEGER))?;
        let after = before.checked_add(self.by).ok_or(OVERFLOW)?;
        let text = Value::Text(itoa::Buffer::new().format(after).as_bytes().into());
        keyspace.put_keeping_deadline(self.key, text);
        Ok(Reply::Integer(after))
    }
}

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
        summary: "Adds to a decimal number; a missing key counts as 0.",
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

/// The sum of `before` and `by`, as text; the error `no_number` if `before` is not a number.
pub fn plus(before: &[u8], by: f64, no_number: CommandError) -> Result<String, CommandError> {
    let text = std::str::from_utf8(before).ok().filter(|_| real(before).is_some());
    decimal::sum(text.ok_or(no_number)?, by).ok_or(NOT_FINITE)
}

pub fn real(text: &[u8]) -> Option<f64> {
    std::str::from_utf8(text).ok()?.parse().ok().filter(|real: &f64| !real.is_nan())
}
