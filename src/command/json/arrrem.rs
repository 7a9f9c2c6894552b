//! `JSON.ARRREM key path json [count]`: removes elements that equal a value from each array at a path; how many.
//!
//! As with LREM, a positive count removes so many from the front, a negative one from the back, and 0 all.

use serde::{Deserialize, Serialize};

use super::errors::NOT_AN_ARRAY;
use super::target::{Target, document, edit_key, is_array};
use crate::command::{Args, Command, Context, Flags, Group, KeySpec, Spec, Write};
use crate::error::CommandError;
use crate::json::{BadJson, Builder, Document, Kind, ParseLimits, Tail, Value, equal};
use crate::keyspace::{Key, Writer};
use crate::resp::Reply;

#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub struct Arrrem {
    key: Key,
    path: Target,
    unwanted: Document,
    count: i64,
}

impl Command for Arrrem {
    const SPEC: Spec = Spec {
        name: "JSON.ARRREM",
        aliases: &[],
        arity: -4,
        keys: KeySpec::FIRST,
        group: Group::Json,
        since: "0.1.0",
        complexity: "O(N) with N the size of the document",
        summary: "Removes elements by value from the arrays at a path.",
        syntax: "key path json [count]",
    };
    const FLAGS: Flags = Flags { denyoom: false, ..Flags::DEFAULT };
}

impl Write for Arrrem {
    fn parse(args: &mut Args<'_>, context: &Context) -> Result<Arrrem, CommandError> {
        let (key, path) = (args.key()?, args.word()?);
        let unwanted = document(args.word()?, context).map_err(BadJson::prefixed)?;
        let count = if args.is_empty() { 0 } else { args.integer()? };
        args.finish()?;
        Ok(Arrrem { key, path: Target::parse(path)?, unwanted, count })
    }

    fn apply(self, keyspace: &mut Writer<'_>) -> Result<Reply, CommandError> {
        let limits = ParseLimits { document_bytes_max: usize::MAX };
        let removed = edit_key(keyspace, &self.key, &self.path, &limits, is_array, |tail| self.remove(tail))?;
        removed.reply_by_steps(NOT_AN_ARRAY, Reply::Integer)
    }
}

impl Arrrem {
    fn remove(&self, tail: &mut Tail<'_>) -> Result<i64, CommandError> {
        let array = tail.value();
        let most = if self.count == 0 { u64::MAX } else { self.count.unsigned_abs() };
        let is_unwanted = |element: &Value<'_>| equal(*element, self.unwanted.root());
        let found = array.elements().filter(is_unwanted).count() as u64;
        if found == 0 {
            return Ok(0);
        }
        let gone = found.min(most);
        let kept_before = if self.count < 0 { found - gone } else { 0 };
        let mut out = Builder::with_capacity(array.encoded().len());
        let open = out.open(Kind::Array, array.payload().len());
        let mut seen = 0;
        for element in array.elements() {
            let unwanted = is_unwanted(&element);
            let goes = unwanted && seen >= kept_before && seen < kept_before + gone;
            seen += u64::from(unwanted);
            if !goes {
                out.raw(element.encoded());
            }
        }
        out.close(open);
        tail.replace(&out.into_bytes())?;
        Ok(gone as i64)
    }
}
