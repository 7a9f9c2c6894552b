//! `JSON.ARRLEN key [path]`: how many elements each array has.

use bytes::Bytes;

use super::errors::NOT_AN_ARRAY;
use super::measure::{Otherwise, measure};
use super::target::path_or_legacy_root;
use crate::command::{Args, Command, Context, Group, KeySpec, Read, Spec};
use crate::error::CommandError;
use crate::json::Kind;
use crate::json::path::Path;
use crate::keyspace::View;
use crate::resp::Reply;

pub struct Arrlen {
    key: Bytes,
    path: Path,
}

impl Command for Arrlen {
    const SPEC: Spec = Spec {
        name: "JSON.ARRLEN",
        aliases: &[],
        arity: -2,
        keys: KeySpec::FIRST,
        group: Group::Json,
        since: "1.0.0",
        complexity: "O(N) with N the size of the document",
        summary: "The lengths of the arrays at a path.",
        syntax: "key [path]",
    };
}

impl Read for Arrlen {
    fn parse(args: &mut Args<'_>, _context: &Context) -> Result<Arrlen, CommandError> {
        Ok(Arrlen { key: args.word()?.clone(), path: path_or_legacy_root(args)? })
    }

    fn run(self, keyspace: &View<'_>) -> Result<Reply, CommandError> {
        let otherwise = Otherwise {
            no_key: CommandError::NO_KEY,
            no_key_legacy: None,
            no_match: Some(CommandError::NO_PATH),
            wrong_type: NOT_AN_ARRAY,
        };
        measure(keyspace, &self.key, &self.path, otherwise, |value| {
            (value.kind() == Kind::Array).then(|| Reply::Integer(value.count() as i64))
        })
    }
}
