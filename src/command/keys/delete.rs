//! Removal of keys.
//!
//! * `DEL key ...`, `UNLINK key ...`: removes keys and returns how many existed.
//! * `FLUSHALL [ASYNC | SYNC]`, `FLUSHDB ..`: removes all keys.
//! * `REAP key ...`: removes the given keys if their deadline has passed, and returns how many were
//!   removed.
//!
//!   The leader proposes REAP for keys that it found expired; clients cannot send it. `apply`
//!   checks the deadlines again, by the time of the entry, so that a key that has got a later
//!   deadline stays on every replica.

use serde::{Deserialize, Serialize};

use crate::command::{Alias, Args, Command, Context, Flags, Group, KeySpec, Spec, Usage, Write};
use crate::error::CommandError;
use crate::keyspace::{Key, Scope, Writer};
use crate::resp::Reply;

#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub struct Del {
    keys: Vec<Key>,
}

impl Command for Del {
    const SPEC: Spec = Spec {
        name: "DEL",
        aliases: &[Alias {
            name: "UNLINK",
            since: "4.0.0",
            complexity: "O(1) for each key, O(N) for its elements",
            fast: true,
        }],
        arity: -2,
        keys: KeySpec::ALL.used(Usage::REMOVED),
        group: Group::Generic,
        since: "1.0.0",
        complexity: "O(N), N: keys named; O(M) for a collection of M elements, O(1) for a string",
        summary: "Removes the named keys with their values.",
        syntax: "key ...",
    };
    const FLAGS: Flags = Flags { denyoom: false, ..Flags::DEFAULT };
}

impl Write for Del {
    fn parse(args: &mut Args<'_>, _context: &Context) -> Result<Del, CommandError> {
        Ok(Del { keys: args.rest().iter().map(|word| Key::from(&word[..])).collect() })
    }

    fn scope(&self) -> Scope {
        Scope::of(self.keys.len())
    }

    fn apply(self, keyspace: &mut Writer<'_>) -> Result<Reply, CommandError> {
        let gone = self.keys.iter().filter(|key| keyspace.remove(key.as_bytes())).count();
        Ok(Reply::Integer(gone as i64))
    }
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub struct Flushall;

impl Command for Flushall {
    const SPEC: Spec = Spec {
        name: "FLUSHALL",
        aliases: &[Alias { name: "FLUSHDB", since: "1.0.0", complexity: "O(N), N: all keys", fast: false }],
        arity: -1,
        keys: KeySpec::NONE,
        group: Group::Server,
        since: "1.0.0",
        complexity: "O(N), N: all keys",
        summary: "Empties the database.",
        syntax: "[ASYNC | SYNC]",
    };
    const FLAGS: Flags = Flags { denyoom: false, categories: &["@keyspace", "@dangerous"], ..Flags::DEFAULT };
}

impl Write for Flushall {
    fn parse(args: &mut Args<'_>, _context: &Context) -> Result<Flushall, CommandError> {
        if !args.keyword("SYNC") {
            args.keyword("ASYNC");
        }
        args.finish()?;
        Ok(Flushall)
    }

    fn apply(self, keyspace: &mut Writer<'_>) -> Result<Reply, CommandError> {
        keyspace.clear();
        Ok(Reply::OK)
    }
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub struct Reap {
    keys: Vec<Key>,
}

impl Command for Reap {
    const SPEC: Spec = Spec {
        name: "REAP",
        aliases: &[],
        arity: -2,
        keys: KeySpec::ALL,
        group: Group::Generic,
        since: "0.1.0",
        complexity: "",
        summary: "Removes the given keys whose deadline has passed.",
        syntax: "key ...",
    };
}

impl Write for Reap {
    fn parse(args: &mut Args<'_>, _context: &Context) -> Result<Reap, CommandError> {
        Ok(Reap { keys: args.rest().iter().map(|word| Key::from(&word[..])).collect() })
    }

    fn apply(self, keyspace: &mut Writer<'_>) -> Result<Reply, CommandError> {
        let gone = self.keys.iter().filter(|key| keyspace.remove_if_expired(key.as_bytes())).count();
        Ok(Reply::Integer(gone as i64))
    }
}
