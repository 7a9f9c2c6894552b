//! `MGET key ...`: several strings; null for a key that is not there or holds something else.

use bytes::Bytes;

use super::bytes_of;
use crate::command::{Args, Budget, Command, Context, Flags, Group, KeySpec, Read, Spec};
use crate::error::CommandError;
use crate::keyspace::{Scope, View};
use crate::resp::Reply;

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
        complexity: "O(N) with N the keys",
        summary: "Several strings.",
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
