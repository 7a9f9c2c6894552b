//! Reads of strings.
//!
//! * `GET key`: returns a string, or null if the key does not exist.
//! * `GETRANGE key start end`, `SUBSTR key start end`: returns a part of a string, possibly empty.
//! * `MGET key ...`: returns several strings, with null for a missing key or a key of another type.
//! * `STRLEN key`: returns the length of a string in bytes, or 0 if the key does not exist.

use bytes::Bytes;

use super::{bytes_of, with_text};
use crate::command::framework::range::Indexes;
use crate::command::{Alias, Args, Budget, Command, Context, Flags, Group, KeySpec, Read, Spec, Usage};
use crate::error::CommandError;
use crate::keyspace::{Key, Scope, View};
use crate::resp::Reply;

pub struct Get {
    key: Bytes,
}

impl Command for Get {
    const SPEC: Spec = Spec {
        name: "GET",
        aliases: &[],
        arity: 2,
        keys: KeySpec::FIRST,
        group: Group::String,
        since: "1.0.0",
        complexity: "O(1)",
        summary: "Reads a string.",
        syntax: "key",
    };
    const FLAGS: Flags = Flags { fast: true, ..Flags::DEFAULT };
}

impl Read for Get {
    fn parse(args: &mut Args<'_>, _context: &Context) -> Result<Get, CommandError> {
        Ok(Get { key: args.word()?.clone() })
    }

    fn run(self, keyspace: &View<'_>) -> Result<Reply, CommandError> {
        let text = with_text(keyspace, &self.key, Bytes::copy_from_slice)?;
        Ok(text.map_or(Reply::Null, Reply::Bulk))
    }
}

pub struct Getrange {
    key: Key,
    indexes: Indexes,
}

impl Command for Getrange {
    const SPEC: Spec = Spec {
        name: "GETRANGE",
        aliases: &[Alias {
            name: "SUBSTR",
            since: "1.0.0",
            complexity: "O(N), N: bytes read; O(1) for a few bytes",
            fast: false,
        }],
        arity: 4,
        keys: KeySpec::FIRST,
        group: Group::String,
        since: "2.4.0",
        complexity: "O(N), N: bytes read; O(1) for a few bytes",
        summary: "Reads the bytes between two offsets of a string.",
        syntax: "key start end",
    };
}

impl Read for Getrange {
    fn parse(args: &mut Args<'_>, _context: &Context) -> Result<Getrange, CommandError> {
        Ok(Getrange { key: args.key()?, indexes: Indexes::parse(args)? })
    }

    fn run(self, keyspace: &View<'_>) -> Result<Reply, CommandError> {
        let part = with_text(keyspace, self.key.as_bytes(), |text| {
            Bytes::copy_from_slice(&text[self.indexes.within(text.len())])
        })?;
        Ok(Reply::Bulk(part.unwrap_or_default()))
    }
}

pub struct Mget {
    keys: Vec<Bytes>,
}

impl Command for Mget {
    const SPEC: Spec = Spec {
        name: "MGET",
        aliases: &[],
        arity: -2,
        keys: KeySpec::ALL,
        group: Group::String,
        since: "1.0.0",
        complexity: "O(N), N: keys named",
        summary: "Reads several strings, with null for each missing one.",
        syntax: "key ...",
    };
    const FLAGS: Flags = Flags { fast: true, ..Flags::DEFAULT };
}

impl Read for Mget {
    fn parse(args: &mut Args<'_>, _context: &Context) -> Result<Mget, CommandError> {
        Ok(Mget { keys: args.rest().to_vec() })
    }

    fn scope(&self) -> Scope {
        Scope::of(self.keys.len())
    }

    fn run(self, keyspace: &View<'_>) -> Result<Reply, CommandError> {
        let mut budget = Budget::default();
        let one = |key: &Bytes| {
            let text = keyspace.with(key, |entry| {
                let Ok(text) = bytes_of(entry) else { return Ok(Reply::Null) };
                budget.spend(text.len())?;
                Ok(Reply::Bulk(Bytes::copy_from_slice(text)))
            });
            text.unwrap_or(Ok(Reply::Null))
        };
        self.keys.iter().map(one).collect::<Result<_, _>>().map(Reply::Array)
    }
}

pub struct Strlen {
    key: Bytes,
}

impl Command for Strlen {
    const SPEC: Spec = Spec {
        name: "STRLEN",
        aliases: &[],
        arity: 2,
        keys: KeySpec::FIRST.used(Usage::INSPECTED),
        group: Group::String,
        since: "2.2.0",
        complexity: "O(1)",
        summary: "Counts the bytes of a string.",
        syntax: "key",
    };
    const FLAGS: Flags = Flags { fast: true, ..Flags::DEFAULT };
}

impl Read for Strlen {
    fn parse(args: &mut Args<'_>, _context: &Context) -> Result<Strlen, CommandError> {
        Ok(Strlen { key: args.word()?.clone() })
    }

    fn run(self, keyspace: &View<'_>) -> Result<Reply, CommandError> {
        let len = with_text(keyspace, &self.key, <[u8]>::len)?;
        Ok(Reply::Integer(len.unwrap_or(0) as i64))
    }
}
