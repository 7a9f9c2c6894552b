//! `FLUSHALL [ASYNC | SYNC]`, `FLUSHDB ..`: takes every key away.

use serde::{Deserialize, Serialize};

use crate::command::{Alias, Args, Command, Context, Flags, Group, KeySpec, Spec, Write};
use crate::error::CommandError;
use crate::keyspace::Writer;
use crate::resp::Reply;

#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub struct Flushall;

impl Command for Flushall {
    const SPEC: Spec = Spec {
        name: "FLUSHALL",
        aliases: &[Alias {
            name: "FLUSHDB",
            since: "1.0.0",
            complexity: "O(N) with N all keys",
            fast: false,
        }],
        arity: -1,
        keys: KeySpec::NONE,
        group: Group::Server,
        since: "1.0.0",
        complexity: "O(N) with N all keys",
        summary: "Takes every key away.",
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
