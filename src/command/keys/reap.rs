//! `REAP key ...`: takes away the keys among these whose deadline has passed; how many there were.
//!
//! The leader proposes it for keys that it found expired. Whether they are is decided again when it is applied, by
//! the stamp, so that a key that was given a new deadline meanwhile stays, on every replica alike.

use serde::{Deserialize, Serialize};

use crate::command::{Args, Command, Context, Group, KeySpec, Spec, Write};
use crate::error::CommandError;
use crate::keyspace::{Key, Writer};
use crate::resp::Reply;

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
        summary: "Takes away the keys among these whose deadline has passed.",
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
