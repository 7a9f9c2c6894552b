//! `JSON.OBJKEYS key [path]`: the keys of each object, in their order.

use bytes::Bytes;

use super::errors::NOT_AN_OBJECT;
use super::measure::{Otherwise, measure};
use super::target::path_or_legacy_root;
use crate::command::{Args, Command, Context, Group, KeySpec, Read, Spec};
use crate::error::CommandError;
use crate::json::Kind;
use crate::json::path::Path;
use crate::keyspace::View;
use crate::resp::Reply;

pub struct Objkeys {
    key: Bytes,
    path: Path,
}

impl Command for Objkeys {
    const SPEC: Spec = Spec {
        name: "JSON.OBJKEYS",
        aliases: &[],
        arity: -2,
        keys: KeySpec::FIRST,
        group: Group::Json,
        since: "1.0.0",
        complexity: "O(N) with N the size of the document",
        summary: "The keys of the objects at a path.",
        syntax: "key [path]",
    };
}

impl Read for Objkeys {
    fn parse(args: &mut Args<'_>, _context: &Context) -> Result<Objkeys, CommandError> {
        Ok(Objkeys { key: args.word()?.clone(), path: path_or_legacy_root(args)? })
    }

    fn run(self, keyspace: &View<'_>) -> Result<Reply, CommandError> {
        let otherwise = Otherwise {
            no_key: CommandError::NO_KEY,
            no_key_legacy: None,
            no_match: None,
            wrong_type: NOT_AN_OBJECT,
        };
        measure(keyspace, &self.key, &self.path, otherwise, |value| {
            let keys = || value.members().map(|member| Reply::bulk(member.key.to_vec())).collect();
            (value.kind() == Kind::Object).then(|| Reply::Array(keys()))
        })
    }
}
