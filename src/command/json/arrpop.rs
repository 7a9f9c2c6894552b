//! `JSON.ARRPOP key [FORMAT format] [path [index]]`: removes an element of each array at a path and answers it.

use serde::{Deserialize, Serialize};

use super::errors::NOT_AN_ARRAY;
use super::expand::{Expansion, expand, named, needs_resp3, text};
use super::target::{Target, edit_key, integer, is_array};
use crate::command::{Args, Command, Context, Flags, Group, KeySpec, Spec, Write};
use crate::error::CommandError;
use crate::json::{ParseLimits, Value};
use crate::keyspace::{Key, Writer};
use crate::resp::Reply;

#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub struct Arrpop {
    key: Key,
    path: Target,
    /// Negative: counted from the end. One that is out of range means the first or the last element.
    index: i64,
    expansion: Option<Expansion>,
}

impl Command for Arrpop {
    const SPEC: Spec = Spec {
        name: "JSON.ARRPOP",
        aliases: &[],
        arity: -2,
        keys: KeySpec::FIRST,
        group: Group::Json,
        since: "1.0.0",
        complexity: "O(N) with N the size of the document",
        summary: "Removes an element of the arrays at a path and answers it.",
        syntax: "key [FORMAT format] [path [index]]",
    };
    const FLAGS: Flags = Flags { denyoom: false, ..Flags::DEFAULT };
}

impl Write for Arrpop {
    fn parse(args: &mut Args<'_>, context: &Context) -> Result<Arrpop, CommandError> {
        let key = args.key()?;
        // A last word is a path, also one that reads FORMAT.
        let expansion = if args.left() > 1 && args.keyword("FORMAT") {
            let expansion = named(args.word()?)?;
            needs_resp3(context)?;
            expansion
        } else {
            None
        };
        let path = Target::or_legacy_root(args)?;
        // An index that is no number counts as none, as in RedisJSON.
        let index = args.word_if_any().and_then(|word| integer(word)).unwrap_or(-1);
        Ok(Arrpop { key, path, index, expansion })
    }

    fn apply(self, keyspace: &mut Writer<'_>) -> Result<Reply, CommandError> {
        let limits = ParseLimits { document_bytes_max: usize::MAX };
        let popped = edit_key(keyspace, &self.key, &self.path, &limits, is_array, |tail| {
            let Some(index) = self.position(tail.value().count() as i64) else { return Ok(Reply::Null) };
            let element = tail.value().nth(index).map_or(Reply::Null, |element| self.told(element));
            tail.splice(index..index + 1, &[])?;
            Ok(element)
        })?;
        popped.reply_by_steps(NOT_AN_ARRAY, |element| element)
    }
}

impl Arrpop {
    fn position(&self, len: i64) -> Option<usize> {
        let index =
            if self.index < 0 { len.saturating_add(self.index).max(0) } else { self.index.min(len - 1) };
        usize::try_from(index).ok().filter(|_| len > 0)
    }

    fn told(&self, element: Value<'_>) -> Reply {
        match self.expansion {
            Some(expansion) => expand(element, expansion),
            None => text(element),
        }
    }
}
