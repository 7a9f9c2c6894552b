//! `JSON.STRLEN key [path]`: the length of each string, in bytes of UTF-8.

use bytes::Bytes;

use super::errors::EXPECTED_STRING;
use super::measure::{Otherwise, measure};
use super::target::path_or_legacy_root;
use crate::command::{Args, Command, Context, Group, KeySpec, Read, Spec};
use crate::error::CommandError;
use crate::json::path::Path;
use crate::keyspace::View;
use crate::resp::Reply;

pub struct Strlen {
    key: Bytes,
    path: Path,
}

impl Command for Strlen {
    const SPEC: Spec = Spec {
        name: "JSON.STRLEN",
        aliases: &[],
        arity: -2,
        keys: KeySpec::FIRST,
        group: Group::Json,
        since: "1.0.0",
        complexity: "O(N) with N the size of the document",
        summary: "The lengths of the strings at a path, in bytes.",
        syntax: "key [path]",
    };
}

impl Read for Strlen {
    fn parse(args: &mut Args<'_>, _context: &Context) -> Result<Strlen, CommandError> {
        Ok(Strlen { key: args.word()?.clone(), path: path_or_legacy_root(args)? })
    }

    fn run(self, keyspace: &View<'_>) -> Result<Reply, CommandError> {
        let otherwise = Otherwise {
            no_key: CommandError::NO_KEY,
            no_key_legacy: None,
            no_match: Some(CommandError::NO_PATH),
            wrong_type: EXPECTED_STRING,
        };
        measure(keyspace, &self.key, &self.path, otherwise, |value| {
            value.as_text().map(|text| Reply::Integer(text.len() as i64))
        })
    }
}
