//! `GET key`: a string, null without a key.

use bytes::Bytes;

use super::with_text;
use crate::command::{Args, Command, Context, Flags, Group, KeySpec, Read, Spec};
use crate::error::CommandError;
use crate::keyspace::View;
use crate::resp::Reply;

pub struct Get {
    key: Bytes,
}

impl Command for Get {
    const SPEC: Spec = Spec {
        name: "GET",
        aliases: &[],
        arity: 2,
        keys: KeySpec::FIRST,
        group: Group::String,
        since: "1.0.0",
        complexity: "O(1)",
        summary: "A string.",
        syntax: "key",
    };
    const FLAGS: Flags = Flags { fast: true, ..Flags::DEFAULT };
}

impl Read for Get {
    fn parse(args: &mut Args<'_>, _context: &Context) -> Result<Get, CommandError> {
        Ok(Get { key: args.word()?.clone() })
    }

    fn run(self, keyspace: &View<'_>) -> Result<Reply, CommandError> {
        let text = with_text(keyspace, &self.key, Bytes::copy_from_slice)?;
        Ok(text.map_or(Reply::Null, Reply::Bulk))
    }
}
