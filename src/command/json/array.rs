//! Writes of arrays.
//!
//! * `JSON.ARRAPPEND key path json ...`: appends values to each array at a path and returns the new
//!   lengths.
//! * `JSON.ARRINSERT key path index json ...`: inserts values before an index of each array at a
//!   path and returns the new lengths.
//! * `JSON.ARRPOP key [FORMAT format] [path [index]]`: removes an element of each array at a path
//!   and returns it.
//! * `JSON.ARRREM key path json [count]`: removes elements that equal a value from each array at a
//!   path and returns their number.
//!
//!   As with LREM, a positive count removes from the front, a negative one from the back, and 0
//!   removes all.
//! * `JSON.ARRTRIM key path start stop`: removes all elements outside an inclusive range of each
//!   array at a path and returns the new lengths.

use serde::{Deserialize, Serialize};

use super::reply::{BAD_INTEGER, INDEX_OUT_OF_BOUNDS, NOT_AN_ARRAY};
use super::reply::{Expansion, expand, named, needs_resp3, text};
use super::target::{Elements, SizeLimit, Target, document, edit_key, integer, is_array};
use crate::command::{Args, Command, Context, Flags, Group, KeySpec, Spec, Write};
use crate::error::CommandError;
use crate::json::{BadJson, Builder, Document, Kind, ParseLimits, Tail, Value, equal};
use crate::keyspace::{Key, Writer};
use crate::resp::Reply;

#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub struct Arrappend {
    key: Key,
    path: Target,
    elements: Elements,
    limit: SizeLimit,
}

impl Command for Arrappend {
    const SPEC: Spec = Spec {
        name: "JSON.ARRAPPEND",
        aliases: &[],
        arity: -4,
        keys: KeySpec::FIRST,
        group: Group::Json,
        since: "1.0.0",
        complexity: "O(N), N: size of the document",
        summary: "Adds elements at the end of each array at the path.",
        syntax: "key path json ...",
    };
}

impl Write for Arrappend {
    fn parse(args: &mut Args<'_>, context: &Context) -> Result<Arrappend, CommandError> {
        let (key, path) = (args.key()?, args.word()?);
        let elements = Elements::parse(args.rest(), context).map_err(BadJson::bare)?;
        Ok(Arrappend { key, path: Target::parse(path)?, elements, limit: SizeLimit::of(context) })
    }

    fn apply(self, keyspace: &mut Writer<'_>) -> Result<Reply, CommandError> {
        let limits = self.limit.limits();
        let lengths = edit_key(keyspace, &self.key, &self.path, &limits, is_array, |tail| {
            tail.append(self.elements.encoded())?;
            Ok(tail.value().count() as i64)
        })?;
        lengths.reply(NOT_AN_ARRAY, Reply::Integer, Reply::Integer)
    }
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub struct Arrinsert {
    key: Key,
    path: Target,
    /// The index; if negative, it counts from the end.
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
        complexity: "O(N), N: size of the document",
        summary: "Adds elements before an index of each array at the path.",
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

#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub struct Arrpop {
    key: Key,
    path: Target,
    /// The index; if negative, it counts from the end. An index out of range selects the first or
    /// the last element.
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
        complexity: "O(N), N: size of the document",
        summary: "Removes an element of each array at the path and returns it.",
        syntax: "key [FORMAT format] [path [index]]",
    };
    const FLAGS: Flags = Flags { denyoom: false, ..Flags::DEFAULT };
}

impl Write for Arrpop {
    fn parse(args: &mut Args<'_>, context: &Context) -> Result<Arrpop, CommandError> {
        let key = args.key()?;
        // FORMAT is a keyword only if another word follows; the last word is a path, even if it is
        // FORMAT.
        let expansion = if args.left() > 1 && args.keyword("FORMAT") {
            let expansion = named(args.word()?)?;
            needs_resp3(context)?;
            expansion
        } else {
            None
        };
        let path = Target::or_legacy_root(args)?;
        // As in RedisJSON, an index that is not a number counts as -1.
        let index = args.word_if_any().and_then(|word| integer(word)).unwrap_or(-1);
        Ok(Arrpop { key, path, index, expansion })
    }

    fn apply(self, keyspace: &mut Writer<'_>) -> Result<Reply, CommandError> {
        let limits = ParseLimits { document_bytes_max: usize::MAX };
        let popped = edit_key(keyspace, &self.key, &self.path, &limits, is_array, |tail| {
            let Some(index) = self.position(tail.value().count() as i64) else { return Ok(Reply::Null) };
            let element = tail.value().nth(index).map_or(Reply::Null, |element| self.reply(element));
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

    fn reply(&self, element: Value<'_>) -> Reply {
        match self.expansion {
            Some(expansion) => expand(element, expansion),
            None => text(element),
        }
    }
}

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
        complexity: "O(N), N: size of the document",
        summary: "Removes the elements that equal a value from each array at the path.",
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

#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub struct Arrtrim {
    key: Key,
    path: Target,
    /// The first index to keep; if negative, it counts from the end.
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
        complexity: "O(N), N: size of the document",
        summary: "Keeps the elements between two indexes of each array at the path.",
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
        // The size limit is lifted: trimming only shrinks a document, which may exceed a limit that
        // was lowered after it was written.
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
    /// The first index to keep, and the index after the last one to keep.
    fn kept(&self, len: i64) -> (usize, usize) {
        let from_end = |at: i64| if at < 0 { len.saturating_add(at).max(0) } else { at };
        let (start, stop) = (from_end(self.start), from_end(self.stop).min(len - 1));
        if start > stop { (0, 0) } else { (start as usize, stop as usize + 1) }
    }
}
