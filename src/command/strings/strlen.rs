//! `STRLEN key`: how many bytes a string has, 0 without a key.

use bytes::Bytes;

use super::with_text;
use crate::command::{Args, Command, Context, Flags, Group, KeySpec, Read, Spec, Usage};
use crate::error::CommandError;
use crate::keyspace::View;
use crate::resp::Reply;

pub struct Strlen {
    key: Bytes,
}

impl Command for Strlen {
    const SPEC: Spec = Spec {
        name: "STRLEN",
        aliases: &[],
        arity: 2,
        keys: KeySpec::FIRST.used(Usage::LOOKED_AT),
        group: Group::String,
        since: "2.2.0",
        complexity: "O(1)",
        summary: "How many bytes a string has.",
        syntax: "key",
    };
    const FLAGS: Flags = Flags { fast: true, ..Flags::DEFAULT };
}

impl Read for Strlen {
    fn parse(args: &mut Args<'_>, _context: &Context) -> Result<Strlen, CommandError> {
        Ok(Strlen { key: args.word()?.clone() })
    }

    fn run(self, keyspace: &View<'_>) -> Result<Reply, CommandError> {
        let len = with_text(keyspace, &self.key, <[u8]>::len)?;
        Ok(Reply::Integer(len.unwrap_or(0) as i64))
    }
}
