//! `JSON.VERSION key`: the version of a key, which each change raises; null without a key.

use bytes::Bytes;

use crate::command::{Args, Command, Context, Group, KeySpec, Read, Spec};
use crate::error::CommandError;
use crate::keyspace::{Scope, View};
use crate::resp::Reply;

pub struct Version {
    key: Bytes,
}

impl Command for Version {
    const SPEC: Spec = Spec {
        name: "JSON.VERSION",
        aliases: &[],
        arity: 2,
        keys: KeySpec::FIRST,
        group: Group::Json,
        since: "0.1.0",
        complexity: "O(1)",
        summary: "The version of a key, for JSON.SET with IFVER.",
        syntax: "key",
    };
}

impl Read for Version {
    fn parse(args: &mut Args<'_>, _context: &Context) -> Result<Version, CommandError> {
        Ok(Version { key: args.word()?.clone() })
    }

    fn scope(&self) -> Scope {
        Scope::BetweenEntries
    }

    fn run(self, keyspace: &View<'_>) -> Result<Reply, CommandError> {
        let version = keyspace.version(&self.key);
        Ok(version.map_or(Reply::Null, |version| Reply::Integer(version as i64)))
    }
}
