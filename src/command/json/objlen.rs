//! `JSON.OBJLEN key [path]`: how many members each object has.

use bytes::Bytes;

use super::errors::{EXPECTED_OBJECT, NOT_AN_OBJECT};
use super::measure::{Otherwise, measure};
use super::target::path_or_legacy_root;
use crate::command::{Args, Command, Context, Group, KeySpec, Read, Spec};
use crate::error::CommandError;
use crate::json::Kind;
use crate::json::path::Path;
use crate::keyspace::View;
use crate::resp::Reply;

pub struct Objlen {
    key: Bytes,
    path: Path,
}

impl Command for Objlen {
    const SPEC: Spec = Spec {
        name: "JSON.OBJLEN",
        aliases: &[],
        arity: -2,
        keys: KeySpec::FIRST,
        group: Group::Json,
        since: "1.0.0",
        complexity: "O(N) with N the size of the document",
        summary: "How many members the objects at a path have.",
        syntax: "key [path]",
    };
}

impl Read for Objlen {
    fn parse(args: &mut Args<'_>, _context: &Context) -> Result<Objlen, CommandError> {
        Ok(Objlen { key: args.word()?.clone(), path: path_or_legacy_root(args)? })
    }

    fn run(self, keyspace: &View<'_>) -> Result<Reply, CommandError> {
        let otherwise = Otherwise {
            no_key: NOT_AN_OBJECT,
            no_key_legacy: None,
            no_match: None,
            wrong_type: EXPECTED_OBJECT,
        };
        measure(keyspace, &self.key, &self.path, otherwise, |value| {
            (value.kind() == Kind::Object).then(|| Reply::Integer(value.count() as i64))
        })
    }
}
