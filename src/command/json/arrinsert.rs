//! `JSON.ARRINSERT key path index json ...`: puts values before an element of each array at a path; the new lengths.

use serde::{Deserialize, Serialize};

use super::errors::{BAD_INTEGER, INDEX_OUT_OF_BOUNDS, NOT_AN_ARRAY};
use super::target::{Elements, SizeLimit, Target, edit_key, integer, is_array};
use crate::command::{Args, Command, Context, Group, KeySpec, Spec, Write};
use crate::error::CommandError;
use crate::json::BadJson;
use crate::keyspace::{Key, Writer};
use crate::resp::Reply;

#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub struct Arrinsert {
    key: Key,
    path: Target,
    /// Negative: counted from the end.
    index: i64,
    elements: Elements,
    limit: SizeLimit,
}

impl Command for Arrinsert {
    const SPEC: Spec = Spec {
        name: "JSON.ARRINSERT",
        aliases: &[],
        arity: -5,
        keys: KeySpec::FIRST,
        group: Group::Json,
        since: "1.0.0",
        complexity: "O(N) with N the size of the document",
        summary: "Inserts values into the arrays at a path.",
        syntax: "key path index json ...",
    };
}

impl Write for Arrinsert {
    fn parse(args: &mut Args<'_>, context: &Context) -> Result<Arrinsert, CommandError> {
        let (key, path) = (args.key()?, args.word()?);
        let index = integer(args.word()?).ok_or(BAD_INTEGER)?;
        let elements = Elements::parse(args.rest(), context).map_err(BadJson::bare)?;
        Ok(Arrinsert { key, path: Target::parse(path)?, index, elements, limit: SizeLimit::of(context) })
    }

    fn apply(self, keyspace: &mut Writer<'_>) -> Result<Reply, CommandError> {
        let limits = self.limit.limits();
        let lengths = edit_key(keyspace, &self.key, &self.path, &limits, is_array, |tail| {
            let len = tail.value().count() as i64;
            let index = if self.index < 0 { len.saturating_add(self.index) } else { self.index };
            if !(0..=len).contains(&index) {
                return Err(INDEX_OUT_OF_BOUNDS);
            }
            tail.splice(index as usize..index as usize, self.elements.encoded())?;
            Ok(tail.value().count() as i64)
        })?;
        lengths.reply_by_steps(NOT_AN_ARRAY, Reply::Integer)
    }
}
