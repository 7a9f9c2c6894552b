//! `SETEX key seconds value`, `PSETEX key milliseconds value`: puts a string under a key, with a deadline.

use serde::{Deserialize, Serialize};

use crate::command::framework::expiry::{Clock, Moment, deadline};
use crate::command::{Args, Command, Context, Group, KeySpec, Spec, Usage, Write};
use crate::error::CommandError;
use crate::keyspace::{Key, Value, Writer};
use crate::resp::Reply;

macro_rules! commands {
    ($($name:ident, $word:literal, $since:literal, $complexity:literal, $clock:ident, $syntax:literal;)*) => { $(
        #[derive(Debug, PartialEq, Serialize, Deserialize)]
        pub struct $name {
            key: Key,
            deadline: Moment,
            value: Box<[u8]>,
        }

        impl Command for $name {
            const SPEC: Spec = Spec {
                name: $word,
                aliases: &[],
                arity: 4,
                keys: KeySpec::FIRST.used(Usage::REPLACED),
                group: Group::String,
                since: $since,
                complexity: $complexity,
                summary: "Puts a string under a key, with a deadline.",
                syntax: $syntax,
            };
        }

        impl Write for $name {
            const EVENT: &'static str = "SET";

            fn parse(args: &mut Args<'_>, context: &Context) -> Result<$name, CommandError> {
                let key = args.key()?;
                let deadline = deadline(args, Clock::$clock, context)?;
                Ok($name { key, deadline, value: args.word()?[..].into() })
            }

            fn apply(self, keyspace: &mut Writer<'_>) -> Result<Reply, CommandError> {
                let deadline = self.deadline.deadline(keyspace.context());
                keyspace.put(self.key, Value::Text(self.value), Some(deadline));
                Ok(Reply::OK)
            }
        }
    )* };
}

commands! {
    Setex, "SETEX", "2.0.0", "O(1)", SecondsFromNow, "key seconds value";
    Psetex, "PSETEX", "2.6.0", "O(1)", MillisFromNow, "key milliseconds value";
}
