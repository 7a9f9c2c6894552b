//! `TYPE key`: the kind of the value, `none` where there is none.

use crate::command::{Args, Command, Context, Flags, Group, KeySpec, Read, Spec, Usage};
use crate::error::CommandError;
use crate::keyspace::{Key, View};
use crate::resp::Reply;

pub struct TypeOf {
    key: Key,
}

impl Command for TypeOf {
    const SPEC: Spec = Spec {
        name: "TYPE",
        aliases: &[],
        arity: 2,
        keys: KeySpec::FIRST.used(Usage::LOOKED_AT),
        group: Group::Generic,
        since: "1.0.0",
        complexity: "O(1)",
        summary: "The kind of value under a key.",
        syntax: "key",
    };
    const FLAGS: Flags = Flags { fast: true, ..Flags::DEFAULT };
}

impl Read for TypeOf {
    fn parse(args: &mut Args<'_>, _context: &Context) -> Result<TypeOf, CommandError> {
        Ok(TypeOf { key: args.key()? })
    }

    fn run(self, keyspace: &View<'_>) -> Result<Reply, CommandError> {
        let name = keyspace.with(self.key.as_bytes(), |entry| entry.value.type_name());
        Ok(Reply::Simple(name.unwrap_or("none")))
    }
}
