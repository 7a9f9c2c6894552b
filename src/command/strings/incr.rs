//! `INCR key`, `DECR key`, `INCRBY key increment`, `DECRBY key decrement`: counts in a string; the new number.

use serde::{Deserialize, Serialize};

use super::{whole, with_text};
use crate::command::{Args, Command, Context, Flags, Group, KeySpec, Spec, Write};
use crate::error::CommandError;
use crate::keyspace::{Key, Value, Writer};
use crate::resp::Reply;

const OVERFLOW: CommandError = CommandError::fixed("ERR increment or decrement would overflow");

/// What the four commands come to.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub struct Step {
    key: Key,
    by: i64,
}

macro_rules! commands {
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

commands! {
    Incr, "INCR", "1.0.0", "O(1)", 2, "key", "Adds 1 to a number.", |_| Ok(1);
    Decr, "DECR", "1.0.0", "O(1)", 2, "key", "Takes 1 from a number.", |_| Ok(-1);
    Incrby, "INCRBY", "1.0.0", "O(1)", 3, "key increment", "Adds to a number.", |args| args.integer();
    Decrby, "DECRBY", "1.0.0", "O(1)", 3, "key decrement", "Takes from a number.", |args| {
        args.integer()?.checked_neg().ok_or(CommandError::fixed("ERR decrement would overflow"))
    };
}

impl Step {
    fn apply(self, keyspace: &mut Writer<'_>) -> Result<Reply, CommandError> {
        let before = with_text(keyspace, self.key.as_bytes(), whole)?;
        let before = before.map_or(Ok(0), |whole| whole.ok_or(CommandError::NOT_AN_INTEGER))?;
        let after = before.checked_add(self.by).ok_or(OVERFLOW)?;
        let text = Value::Text(itoa::Buffer::new().format(after).as_bytes().into());
        keyspace.put_keeping_deadline(self.key, text);
        Ok(Reply::Integer(after))
    }
}
