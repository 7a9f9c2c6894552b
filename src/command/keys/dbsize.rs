//! `DBSIZE`: how many keys there are.

use crate::command::{Args, Command, Context, Flags, Group, KeySpec, Read, Spec};
use crate::error::CommandError;
use crate::keyspace::View;
use crate::resp::Reply;

pub struct Dbsize;

impl Command for Dbsize {
    const SPEC: Spec = Spec {
        name: "DBSIZE",
        aliases: &[],
        arity: 1,
        keys: KeySpec::NONE,
        group: Group::Server,
        since: "1.0.0",
        complexity: "O(1)",
        summary: "How many keys there are.",
        syntax: "",
    };
    const FLAGS: Flags = Flags { categories: &["@keyspace"], fast: true, ..Flags::DEFAULT };
}

impl Read for Dbsize {
    fn parse(_args: &mut Args<'_>, _context: &Context) -> Result<Dbsize, CommandError> {
        Ok(Dbsize)
    }

    fn run(self, keyspace: &View<'_>) -> Result<Reply, CommandError> {
        Ok(Reply::Integer(keyspace.len() as i64))
    }
}
