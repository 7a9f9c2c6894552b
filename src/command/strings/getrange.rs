//! `GETRANGE key start end`, `SUBSTR key start end`: a part of a string, empty where there is none.

use bytes::Bytes;

use super::with_text;
use crate::command::framework::range::Indexes;
use crate::command::{Alias, Args, Command, Context, Group, KeySpec, Read, Spec};
use crate::error::CommandError;
use crate::keyspace::{Key, View};
use crate::resp::Reply;

pub struct Getrange {
    key: Key,
    indexes: Indexes,
}

impl Command for Getrange {
    const SPEC: Spec = Spec {
        name: "GETRANGE",
        aliases: &[Alias {
            name: "SUBSTR",
            since: "1.0.0",
            complexity: "O(N) with N the bytes of the answer; O(1) for a short one",
            fast: false,
        }],
        arity: 4,
        keys: KeySpec::FIRST,
        group: Group::String,
        since: "2.4.0",
        complexity: "O(N) with N the bytes of the answer; O(1) for a short one",
        summary: "A part of a string.",
        syntax: "key start end",
    };
}

impl Read for Getrange {
    fn parse(args: &mut Args<'_>, _context: &Context) -> Result<Getrange, CommandError> {
        Ok(Getrange { key: args.key()?, indexes: Indexes::parse(args)? })
    }

    fn run(self, keyspace: &View<'_>) -> Result<Reply, CommandError> {
        let part = with_text(keyspace, self.key.as_bytes(), |text| {
            Bytes::copy_from_slice(&text[self.indexes.within(text.len())])
        })?;
        Ok(Reply::Bulk(part.unwrap_or_default()))
    }
}
