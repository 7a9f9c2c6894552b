//! `JSON.TYPE key [path]`: the type of each match.

use super::target::places;
use crate::command::{Args, Command, Context, Group, KeySpec, Read, Spec};
use crate::error::Answer;
use crate::json::path::Path;
use crate::keyspace::View;
use crate::resp::{Protocol, Reply};

pub struct TypeOf {
    key: bytes::Bytes,
    path: Path,
    protocol: Protocol,
}

impl Command for TypeOf {
    const SPEC: Spec = Spec {
        name: "JSON.TYPE",
        aliases: &[],
        arity: -2,
        keys: KeySpec::FIRST,
        group: Group::Json,
        since: "0.1.0",
        summary: "The types of the values at a path.",
        syntax: "key [path]",
    };
}

impl Read for TypeOf {
    fn parse(args: &mut Args<'_>, context: &Context) -> Result<TypeOf, Answer> {
        let key = args.word()?.clone();
        let path = Path::parse(args.word_if_any().map_or(b".", |word| &word[..]))?;
        Ok(TypeOf { key, path, protocol: context.protocol })
    }

    fn run(self, keyspace: &View<'_>) -> Result<Reply, Answer> {
        let reply = match keyspace.document(&self.key)? {
            None => Reply::Null,
            Some(document) => {
                let found = places(&self.path, &document)?;
                let mut names = found.iter().map(|place| Reply::word(place.value(&document).type_name()));
                match self.path.is_legacy() {
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
