//! `EXISTS key ...`, `TOUCH key ...`: how many of the keys are there; a key named twice counts twice.

use crate::command::{Alias, Args, Command, Context, Flags, Group, KeySpec, Read, Spec, Usage};
use crate::error::CommandError;
use crate::keyspace::{Key, Scope, View};
use crate::resp::Reply;

pub struct Exists {
    keys: Vec<Key>,
}

impl Command for Exists {
    const SPEC: Spec = Spec {
        name: "EXISTS",
        aliases: &[Alias { name: "TOUCH", since: "3.2.1", complexity: "O(N) with N the keys", fast: true }],
        arity: -2,
        keys: KeySpec::ALL.used(Usage::LOOKED_AT),
        group: Group::Generic,
        since: "1.0.0",
        complexity: "O(N) with N the keys",
        summary: "How many of the keys exist.",
        syntax: "key ...",
    };
    const FLAGS: Flags = Flags { fast: true, ..Flags::DEFAULT };
}

impl Read for Exists {
    fn parse(args: &mut Args<'_>, _context: &Context) -> Result<Exists, CommandError> {
        Ok(Exists { keys: args.rest().iter().map(|word| Key::from(&word[..])).collect() })
    }

    fn scope(&self) -> Scope {
        Scope::of(self.keys.len())
    }

    fn run(self, keyspace: &View<'_>) -> Result<Reply, CommandError> {
        let there = self.keys.iter().filter(|key| keyspace.exists(key.as_bytes())).count();
        Ok(Reply::Integer(there as i64))
    }
}
