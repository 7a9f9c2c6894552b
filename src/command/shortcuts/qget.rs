//! `QGET key path`: what a path leads to, as JSON.GET answers it.

use crate::command::json::get::Get;
use crate::command::{Args, Command, Context, Group, KeySpec, Read, Spec};
use crate::error::CommandError;
use crate::keyspace::View;
use crate::resp::Reply;

pub struct Qget(Get);

impl Command for Qget {
    const SPEC: Spec = Spec {
        name: "QGET",
        aliases: &[],
        arity: 3,
        keys: KeySpec::FIRST,
        group: Group::Json,
        since: "0.1.0",
        complexity: "O(N) with N the size of the document",
        summary: "The values that a path leads to, as JSON text.",
        syntax: "key path",
    };
}

impl Read for Qget {
    fn parse(args: &mut Args<'_>, _context: &Context) -> Result<Qget, CommandError> {
        Get::one(args.word()?, args.word()?).map(Qget)
    }

    fn run(self, keyspace: &View<'_>) -> Result<Reply, CommandError> {
        self.0.run(keyspace)
    }
}
