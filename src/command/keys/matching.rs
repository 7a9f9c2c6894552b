//! `KEYS pattern`: every key that matches a glob pattern.

use bytes::Bytes;

use crate::command::framework::glob;
use crate::command::{Args, Command, Context, Flags, Group, KeySpec, Read, Spec};
use crate::error::CommandError;
use crate::keyspace::View;
use crate::resp::Reply;

pub struct Keys {
    pattern: Bytes,
}

impl Command for Keys {
    const SPEC: Spec = Spec {
        name: "KEYS",
        aliases: &[],
        arity: 2,
        keys: KeySpec::NONE,
        group: Group::Generic,
        since: "1.0.0",
        complexity: "O(N) with N all keys",
        summary: "Every key that matches a glob pattern.",
        syntax: "pattern",
    };
    const FLAGS: Flags = Flags { categories: &["@dangerous"], ..Flags::DEFAULT };
}

impl Read for Keys {
    fn parse(args: &mut Args<'_>, _context: &Context) -> Result<Keys, CommandError> {
        Ok(Keys { pattern: args.word()?.clone() })
    }

    fn run(self, keyspace: &View<'_>) -> Result<Reply, CommandError> {
        let mut found = Vec::new();
        let mut outcome = Ok(());
        keyspace.scan(0, usize::MAX, |key, _| match glob::matches(&self.pattern, key.as_bytes()) {
            Ok(true) => found.push(Reply::bulk(Bytes::copy_from_slice(key.as_bytes()))),
            Ok(false) => {}
            Err(answer) => outcome = Err(answer),
        });
        outcome?;
        Ok(Reply::Array(found))
    }
}
