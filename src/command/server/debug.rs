//! `DEBUG DIGEST`: one number for everything that the node holds.

use crate::command::{Args, Command, Context, Group, KeySpec, Read, Spec};
use crate::error::Answer;
use crate::keyspace::View;
use crate::resp::Reply;

pub struct Debug;

impl Command for Debug {
    const SPEC: Spec = Spec {
        name: "DEBUG",
        aliases: &[],
        arity: -2,
        keys: KeySpec::NONE,
        group: Group::Server,
        since: "0.1.0",
        summary: "A digest of all keys with their values, deadlines and versions: nodes that have applied equally much have the same.",
        syntax: "DIGEST",
    };
}

impl Read for Debug {
    fn parse(args: &mut Args<'_>, _context: &Context) -> Result<Debug, Answer> {
        if !args.keyword("DIGEST") {
            return Err(Answer::SYNTAX);
        }
        args.finish()?;
        Ok(Debug)
    }

    fn run(self, keyspace: &View<'_>) -> Result<Reply, Answer> {
        // As long as Redis' own, for tools that expect its form.
        Ok(Reply::bulk(format!("{:040x}", keyspace.digest())))
    }
}
