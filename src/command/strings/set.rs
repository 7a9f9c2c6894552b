//! Writes of whole strings.
//!
//! * `SET key value [NX | XX] [GET] [EX .. | PX .. | EXAT .. | PXAT .. | KEEPTTL]`: sets a string.
//! * `SETNX key value`: sets a string if the key does not exist, and returns whether the string was
//!   set.
//! * `SETEX key seconds value`, `PSETEX key milliseconds value`: sets a string with a deadline.
//! * `MSET key value ...`, `MSETNX key value ...`: sets several strings; MSETNX only if no key
//!   exists.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::with_text;
use crate::command::framework::expiry::{Clock, Moment, deadline, deadline_if_any};
use crate::command::json::set::Condition;
use crate::command::{Args, Command, Context, Flags, Group, KeySpec, Spec, Usage, Write};
use crate::error::CommandError;
use crate::keyspace::{Key, Scope, Value, Writer};
use crate::resp::Reply;

#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub struct Set {
    key: Key,
    value: Box<[u8]>,
    condition: Condition,
    deadline: Option<Moment>,
    keep_deadline: bool,
    /// `GET`: the reply is the previous value.
    return_old: bool,
}

impl Command for Set {
    const SPEC: Spec = Spec {
        name: "SET",
        aliases: &[],
        arity: -3,
        keys: KeySpec::FIRST.used(Usage::VARIABLE),
        group: Group::String,
        since: "1.0.0",
        complexity: "O(1)",
        summary: "Writes a string and replaces any value, if the conditions hold.",
        syntax: "key value [NX | XX] [GET] [EX seconds | PX milliseconds | EXAT unix-time-seconds | PXAT unix-time-milliseconds | KEEPTTL]",
    };
}

impl Write for Set {
    fn parse(args: &mut Args<'_>, context: &Context) -> Result<Set, CommandError> {
        let mut set = Set {
            key: args.key()?,
            value: args.word()?[..].into(),
            condition: Condition::Always,
            deadline: None,
            keep_deadline: false,
            return_old: false,
        };
        while !args.is_empty() {
            let timed = set.keep_deadline || set.deadline.is_some();
            if set.condition == Condition::Always && args.keyword("NX") {
                set.condition = Condition::Missing;
            } else if set.condition == Condition::Always && args.keyword("XX") {
                set.condition = Condition::Present;
            } else if args.keyword("GET") {
                set.return_old = true;
            } else if !timed && args.keyword("KEEPTTL") {
                set.keep_deadline = true;
            } else if timed {
                return Err(CommandError::SYNTAX);
            } else {
                set.deadline = Some(deadline_if_any(args, context)?.ok_or(CommandError::SYNTAX)?);
            }
        }
        Ok(set)
    }

    fn apply(self, keyspace: &mut Writer<'_>) -> Result<Reply, CommandError> {
        let key = self.key.as_bytes();
        let mut reply = Reply::OK;
        if self.return_old {
            let old = with_text(keyspace, key, Bytes::copy_from_slice)?;
            reply = old.map_or(Reply::Null, Reply::Bulk);
        }
        if !self.condition.allows(keyspace.exists(key)) {
            return Ok(if self.return_old { reply } else { Reply::Null });
        }
        match self.keep_deadline {
            true => keyspace.put_keeping_deadline(self.key, Value::Text(self.value)),
            false => {
                let deadline = self.deadline.map(|moment| moment.deadline(keyspace.context()));
                keyspace.put(self.key, Value::Text(self.value), deadline);
            }
        }
        Ok(reply)
    }
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub struct Setnx {
    key: Key,
    value: Box<[u8]>,
}

impl Command for Setnx {
    const SPEC: Spec = Spec {
        name: "SETNX",
        aliases: &[],
        arity: 3,
        keys: KeySpec::FIRST.used(Usage::CREATED),
        group: Group::String,
        since: "1.0.0",
        complexity: "O(1)",
        summary: "Writes a string unless the key exists.",
        syntax: "key value",
    };
    const FLAGS: Flags = Flags { fast: true, ..Flags::DEFAULT };
}

impl Write for Setnx {
    const EVENT: &'static str = "SET";

    fn parse(args: &mut Args<'_>, _context: &Context) -> Result<Setnx, CommandError> {
        Ok(Setnx { key: args.key()?, value: args.word()?[..].into() })
    }

    fn apply(self, keyspace: &mut Writer<'_>) -> Result<Reply, CommandError> {
        let free = !keyspace.exists(self.key.as_bytes());
        if free {
            keyspace.replace(self.key, Value::Text(self.value));
        }
        Ok(Reply::Integer(i64::from(free)))
    }
}

macro_rules! setex_commands {
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
                summary: "Writes a string that expires after the given time.",
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

setex_commands! {
    Setex, "SETEX", "2.0.0", "O(1)", SecondsFromNow, "key seconds value";
    Psetex, "PSETEX", "2.6.0", "O(1)", MillisFromNow, "key milliseconds value";
}

type Pairs = Vec<(Key, Box<[u8]>)>;

#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub struct Mset {
    pairs: Pairs,
}

/// Sets several strings, or none if one of the keys exists.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub struct Msetnx {
    pairs: Pairs,
}

const PAIRS: KeySpec = KeySpec::new(1, -1, 2);

impl Command for Mset {
    const SPEC: Spec = Spec {
        name: "MSET",
        aliases: &[],
        arity: -3,
        keys: PAIRS.used(Usage::REPLACED),
        group: Group::String,
        since: "1.0.1",
        complexity: "O(N), N: keys named",
        summary: "Writes several strings in one step.",
        syntax: "(key value) ...",
    };
}

impl Command for Msetnx {
    const SPEC: Spec = Spec {
        name: "MSETNX",
        keys: PAIRS.used(Usage::CREATED),
        summary: "Writes several strings in one step, unless one of the keys exists.",
        ..Mset::SPEC
    };
}

fn pairs(args: &mut Args<'_>) -> Result<Pairs, CommandError> {
    if !args.left().is_multiple_of(2) {
        return Err(args.wrong_arity());
    }
    let words = args.rest().chunks_exact(2);
    Ok(words.map(|pair| (Key::from(&pair[0][..]), pair[1][..].into())).collect())
}

fn put(pairs: Pairs, keyspace: &mut Writer<'_>) {
    for (key, value) in pairs {
        keyspace.replace(key, Value::Text(value));
    }
}

impl Write for Mset {
    const EVENT: &'static str = "SET";

    fn parse(args: &mut Args<'_>, _context: &Context) -> Result<Mset, CommandError> {
        Ok(Mset { pairs: pairs(args)? })
    }

    fn scope(&self) -> Scope {
        Scope::of(self.pairs.len())
    }

    fn apply(self, keyspace: &mut Writer<'_>) -> Result<Reply, CommandError> {
        put(self.pairs, keyspace);
        Ok(Reply::OK)
    }
}

impl Write for Msetnx {
    const EVENT: &'static str = "SET";

    fn parse(args: &mut Args<'_>, _context: &Context) -> Result<Msetnx, CommandError> {
        Ok(Msetnx { pairs: pairs(args)? })
    }

    fn apply(self, keyspace: &mut Writer<'_>) -> Result<Reply, CommandError> {
        if self.pairs.iter().any(|(key, _)| keyspace.exists(key.as_bytes())) {
            return Ok(Reply::Integer(0));
        }
        put(self.pairs, keyspace);
        Ok(Reply::Integer(1))
    }
}
