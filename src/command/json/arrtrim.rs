//! `JSON.ARRTRIM key path start stop`: keeps a range of each array at a path, both ends included; the new lengths.

use serde::{Deserialize, Serialize};

use super::errors::{BAD_INTEGER, NOT_AN_ARRAY};
use super::target::{Target, edit_key, integer, is_array};
use crate::command::{Args, Command, Context, Flags, Group, KeySpec, Spec, Write};
use crate::error::CommandError;
use crate::json::ParseLimits;
use crate::keyspace::{Key, Writer};
use crate::resp::Reply;

#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub struct Arrtrim {
    key: Key,
    path: Target,
    /// Negative: counted from the end.
    start: i64,
    stop: i64,
}

impl Command for Arrtrim {
    const SPEC: Spec = Spec {
        name: "JSON.ARRTRIM",
        aliases: &[],
        arity: 5,
        keys: KeySpec::FIRST,
        group: Group::Json,
        since: "1.0.0",
        complexity: "O(N) with N the size of the document",
        summary: "Keeps a range of the arrays at a path.",
        syntax: "key path start stop",
    };
    const FLAGS: Flags = Flags { denyoom: false, ..Flags::DEFAULT };
}

impl Write for Arrtrim {
    fn parse(args: &mut Args<'_>, _context: &Context) -> Result<Arrtrim, CommandError> {
        let (key, path) = (args.key()?, args.word()?);
        let start = integer(args.word()?).ok_or(BAD_INTEGER)?;
        let stop = integer(args.word()?).ok_or(BAD_INTEGER)?;
        Ok(Arrtrim { key, path: Target::parse(path)?, start, stop })
    }

    fn apply(self, keyspace: &mut Writer<'_>) -> Result<Reply, CommandError> {
        // What only shrinks is allowed, even over a limit that was lowered since.
        let limits = ParseLimits { document_bytes_max: usize::MAX };
        let lengths = edit_key(keyspace, &self.key, &self.path, &limits, is_array, |tail| {
            let (start, end) = self.kept(tail.value().count() as i64);
            tail.splice(end..usize::MAX, &[])?;
            tail.splice(0..start, &[])?;
            Ok((end - start) as i64)
        })?;
        lengths.reply_by_steps(NOT_AN_ARRAY, Reply::Integer)
    }
}

impl Arrtrim {
    /// The first index that is kept, and the one behind the last.
    fn kept(&self, len: i64) -> (usize, usize) {
        let from_end = |at: i64| if at < 0 { len.saturating_add(at).max(0) } else { at };
        let (start, stop) = (from_end(self.start), from_end(self.stop).min(len - 1));
        if start > stop { (0, 0) } else { (start as usize, stop as usize + 1) }
    }
}
