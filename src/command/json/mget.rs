//! `JSON.MGET key ... path`: what a path leads to in each of several documents.

use bytes::Bytes;

use super::render::render;
use crate::command::{Args, Budget, Command, Context, Group, KeySpec, Read, Spec};
use crate::error::CommandError;
use crate::json::Style;
use crate::json::path::Path;
use crate::keyspace::{Scope, View};
use crate::resp::Reply;

pub struct Mget {
    keys: Vec<Bytes>,
    /// None for a path that cannot be parsed: it finds nothing in any document.
    path: Option<Path>,
}

impl Command for Mget {
    const SPEC: Spec = Spec {
        name: "JSON.MGET",
        aliases: &[],
        arity: -3,
        keys: KeySpec::new(1, -2, 1),
        group: Group::Json,
        since: "1.0.0",
        complexity: "O(N*M) with N the keys and M the size of a document",
        summary: "What a path leads to in each of several documents.",
        syntax: "key ... path",
    };
}

impl Read for Mget {
    fn parse(args: &mut Args<'_>, _context: &Context) -> Result<Mget, CommandError> {
        let (path, keys) = args.rest().split_last().ok_or_else(|| args.wrong_arity())?;
        Ok(Mget { keys: keys.to_vec(), path: Path::parse(path).ok() })
    }

    fn scope(&self) -> Scope {
        Scope::of(self.keys.len())
    }

    fn run(self, keyspace: &View<'_>) -> Result<Reply, CommandError> {
        let mut budget = Budget::default();
        // All of one moment, and then nobody has to wait for what is made of them: a document never changes.
        let documents: Vec<_> = self.keys.iter().map(|key| keyspace.document(key)).collect();
        keyspace.let_go();
        let one = |document| {
            let (Some(path), Ok(Some(document))) = (&self.path, document) else {
                return Ok(Reply::Null);
            };
            let mut out = Vec::new();
            match render(path, &document, &Style::default(), &mut budget, &mut out) {
                Ok(()) => Ok(Reply::bulk(out)),
                // What cannot be had of one document is null; that there is too much in all is for the whole.
                Err(answer) if answer == Budget::SPENT || answer == Budget::WORKED => Err(answer),
                Err(_) => Ok(Reply::Null),
            }
        };
        documents.into_iter().map(one).collect::<Result<_, _>>().map(Reply::Array)
    }
}
