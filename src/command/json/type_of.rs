//! `JSON.TYPE key [path]`: the type of each match.

use super::target::locations;
use crate::command::{Args, Command, Context, Group, KeySpec, Read, Spec};
use crate::error::CommandError;
use crate::json::path::{Path, is_jsonpath};
use crate::keyspace::View;
use crate::resp::{Protocol, Reply};

pub struct TypeOf {
    key: bytes::Bytes,
    /// None for a legacy path that cannot be parsed: it finds nothing.
    path: Option<Path>,
    protocol: Protocol,
}

impl Command for TypeOf {
    const SPEC: Spec = Spec {
        name: "JSON.TYPE",
        aliases: &[],
        arity: -2,
        keys: KeySpec::FIRST,
        group: Group::Json,
        since: "1.0.0",
        complexity: "O(N) with N the size of the document",
        summary: "The types of the values at a path.",
        syntax: "key [path]",
    };
}

impl Read for TypeOf {
    fn parse(args: &mut Args<'_>, context: &Context) -> Result<TypeOf, CommandError> {
        let key = args.word()?.clone();
        let word = args.word_if_any().map_or(&b"."[..], |word| word);
        let path = match Path::parse(word) {
            Err(answer) if word.starts_with(b"$") || is_jsonpath(word) => return Err(answer),
            parsed => parsed.ok(),
        };
        Ok(TypeOf { key, path, protocol: context.protocol })
    }

    fn run(self, keyspace: &View<'_>) -> Result<Reply, CommandError> {
        let reply = match (keyspace.document(&self.key)?, &self.path) {
            (None, _) | (_, None) => Reply::Null,
            (Some(document), Some(path)) => {
                let found = locations(path, &document)?;
                let mut names =
                    found.iter().map(|location| Reply::word(location.value(&document).type_name()));
                match path.is_legacy() {
                    true => names.next().unwrap_or(Reply::Null),
                    false => Reply::Array(names.collect()),
                }
            }
        };
        // RESP3's answer is the one of RESP2 in one more array, whatever it is.
        Ok(match self.protocol {
            Protocol::Resp2 => reply,
            Protocol::Resp3 => Reply::Array(vec![reply]),
        })
    }
}
