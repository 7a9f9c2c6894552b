//! Reads of a string that also replace it, remove it or change its deadline.
//!
//! * `GETSET key value`: sets a string and returns the previous one, like `SET key value GET`.
//! * `GETDEL key`: returns a string and removes its key.
//! * `GETEX key [EX .. | PX .. | EXAT .. | PXAT .. | PERSIST]`: returns a string and changes its
//!   deadline.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::with_text;
use crate::command::framework::expiry::{Moment, deadline_if_any, invalid};
use crate::command::{Args, Command, Context, Flags, Group, KeySpec, Spec, Usage, Write};
use crate::error::CommandError;
use crate::keyspace::{Key, Value, Writer};
use crate::resp::Reply;

#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub struct Getset {
    key: Key,
    value: Box<[u8]>,
}

impl Command for Getset {
    const SPEC: Spec = Spec {
        name: "GETSET",
        aliases: &[],
        arity: 3,
        keys: KeySpec::FIRST,
        group: Group::String,
        since: "1.0.0",
        complexity: "O(1)",
        summary: "Writes a string and returns the previous one.",
        syntax: "key value",
    };
    const FLAGS: Flags = Flags { fast: true, ..Flags::DEFAULT };
}

impl Write for Getset {
    const EVENT: &'static str = "SET";

    fn parse(args: &mut Args<'_>, _context: &Context) -> Result<Getset, CommandError> {
        Ok(Getset { key: args.key()?, value: args.word()?[..].into() })
    }

    fn apply(self, keyspace: &mut Writer<'_>) -> Result<Reply, CommandError> {
        let before = with_text(keyspace, self.key.as_bytes(), Bytes::copy_from_slice)?;
        keyspace.replace(self.key, Value::Text(self.value));
        Ok(before.map_or(Reply::Null, Reply::Bulk))
    }
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub struct Getdel {
    key: Key,
}

impl Command for Getdel {
    const SPEC: Spec = Spec {
        name: "GETDEL",
        aliases: &[],
        arity: 2,
        keys: KeySpec::FIRST.used(Usage::READ_AND_DELETED_FROM),
        group: Group::String,
        since: "6.2.0",
        complexity: "O(1)",
        summary: "Removes a string and returns its value.",
        syntax: "key",
    };
    const FLAGS: Flags = Flags { fast: true, denyoom: false, ..Flags::DEFAULT };
}

impl Write for Getdel {
    fn parse(args: &mut Args<'_>, _context: &Context) -> Result<Getdel, CommandError> {
        Ok(Getdel { key: args.key()? })
    }

    fn apply(self, keyspace: &mut Writer<'_>) -> Result<Reply, CommandError> {
        let key = self.key.as_bytes();
        let Some(text) = with_text(keyspace, key, Bytes::copy_from_slice)? else { return Ok(Reply::Null) };
        keyspace.remove(key);
        Ok(Reply::Bulk(text))
    }
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub struct Getex {
    key: Key,
    change: Change,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
enum Change {
    Nothing,
    Persist,
    Deadline(Moment),
    /// The time is out of range. The error is returned only if the string exists, because Redis
    /// looks up the key first.
    Invalid,
    /// The time is not an integer. This error, too, is returned only if the string exists.
    NoNumber,
}

impl Command for Getex {
    const SPEC: Spec = Spec {
        name: "GETEX",
        aliases: &[],
        arity: -2,
        keys: KeySpec::FIRST,
        group: Group::String,
        since: "6.2.0",
        complexity: "O(1)",
        summary: "Reads a string, and sets or removes its deadline.",
        syntax: "key [EX seconds | PX milliseconds | EXAT unix-time-seconds | PXAT unix-time-milliseconds | PERSIST]",
    };
    const FLAGS: Flags = Flags { fast: true, denyoom: false, ..Flags::DEFAULT };
}

impl Write for Getex {
    fn parse(args: &mut Args<'_>, context: &Context) -> Result<Getex, CommandError> {
        let key = args.key()?;
        let change = if args.is_empty() {
            Change::Nothing
        } else if args.keyword("PERSIST") {
            Change::Persist
        } else {
            match deadline_if_any(args, context) {
                Ok(deadline) => Change::Deadline(deadline.ok_or(CommandError::SYNTAX)?),
                Err(error) if error == CommandError::SYNTAX => return Err(error),
                Err(error) if error == CommandError::NOT_AN_INTEGER => Change::NoNumber,
                Err(_) => Change::Invalid,
            }
        };
        args.finish()?;
        Ok(Getex { key, change })
    }

    fn apply(self, keyspace: &mut Writer<'_>) -> Result<Reply, CommandError> {
        let key = self.key.as_bytes();
        let Some(text) = with_text(keyspace, key, Bytes::copy_from_slice)? else { return Ok(Reply::Null) };
        let deadline = keyspace.with(key, |entry| entry.expires_ms).flatten();
        let context = keyspace.context();
        match self.change {
            Change::Invalid => return Err(invalid(Self::SPEC.name)),
            Change::NoNumber => return Err(CommandError::NOT_AN_INTEGER),
            Change::Deadline(passed) if passed.deadline(context).get() <= context.now_ms => {
                keyspace.remove(key);
            }
            Change::Deadline(moment) => {
                keyspace.set_deadline(key, Some(moment.deadline(context)));
            }
            Change::Persist if deadline.is_some() => {
                keyspace.set_deadline(key, None);
            }
            Change::Persist | Change::Nothing => {}
        }
        Ok(Reply::Bulk(text))
    }
}
