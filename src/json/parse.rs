//! Parses JSON text into a document, without a tree in between.
//!
//! Two parsers share the work. The *reader* in `reader.rs` parses valid texts fast. serde_json
//! parses a refused text again to produce the error message, because RedisJSON's error texts come
//! from serde_json and clients rely on them.
//!
//! Invariants, checked by a property test:
//! * the reader accepts exactly the texts that serde_json accepts and that nest to at most
//!   [`DEPTH_MAX`];
//! * the reader and serde_json read the same value from such a text. A repeated key keeps its first
//!   position and its last value.

mod numeral;
mod reader;
#[cfg(test)]
pub(super) mod tests;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

use self::reader::{Fault, Reader};
use super::limits::{DEPTH_MAX, ParseLimits};
use super::{Builder, Document};
use crate::error::CommandError;

/// The error for a text that is not a JSON document or exceeds the size limit. For a text that is
/// not JSON, it has serde_json's message, such as `expected value at line 1 column 1`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{words}")]
pub struct BadJson {
    words: String,
    /// Whether the text is not UTF-8. RedisJSON checks the UTF-8 of the whole text before it parses
    /// it, so this error takes precedence over any other.
    not_utf8: bool,
}

impl BadJson {
    fn new(words: String, text: &[u8]) -> BadJson {
        BadJson { words, not_utf8: std::str::from_utf8(text).is_err() }
    }

    /// The message without a prefix, as JSON.SET, JSON.MSET, JSON.MERGE and JSON.ARRAPPEND return
    /// it.
    pub fn bare(self) -> CommandError {
        if self.not_utf8 { CommandError::NOT_UTF8 } else { CommandError::new(self.words) }
    }

    /// The message after `ERR `, as the other commands return it.
    pub fn prefixed(self) -> CommandError {
        if self.not_utf8 { CommandError::NOT_UTF8 } else { CommandError::new(format!("ERR {}", self.words)) }
    }

    pub fn text(&self) -> &str {
        &self.words
    }
}

/// Parses one JSON text, which may have white space around it.
pub fn parse(text: &[u8], limits: &ParseLimits) -> Result<Document, BadJson> {
    let mut out = Builder::with_capacity(text.len() + 16);
    parse_into(&mut out, text, limits)?;
    Ok(Document::from_trusted(&out.out))
}

/// Parses one JSON text and appends its encoding to `out`. On an error, `out` is unchanged.
pub fn parse_into(out: &mut Builder, text: &[u8], limits: &ParseLimits) -> Result<(), BadJson> {
    let before = out.len();
    let outcome =
        if limits.admits(text.len()) { Reader::new(text, out).document() } else { Err(Fault::Large) };
    let outcome =
        outcome.and_then(|()| if limits.admits(out.len() - before) { Ok(()) } else { Err(Fault::Large) });
    outcome.map_err(|fault| {
        out.out.truncate(before);
        explain(text, fault, limits)
    })
}

/// Determines the error message. The reader and serde_json both stop at the first error in the
/// text, so they stop at the same one.
#[cold]
fn explain(text: &[u8], fault: Fault, limits: &ParseLimits) -> BadJson {
    let words = match fault {
        Fault::Deep(at) => format!("recursion limit exceeded at {}", line_and_column(text, at)),
        Fault::Large => format!("document is larger than the limit of {} bytes", limits.document_bytes_max),
        Fault::Syntax => {
            let mut slow = serde_json::Deserializer::from_slice(text);
            slow.disable_recursion_limit();
            let outcome = Skim::deserialize(&mut slow).and_then(|_| slow.end());
            debug_assert!(outcome.is_err(), "serde_json refuses what the reader refused: {text:?}");
            outcome.map_or_else(|error| error.to_string(), |()| "invalid JSON".to_owned())
        }
    };
    BadJson::new(words, text)
}

/// The line and column of offset `at`, as serde_json reports them: lines from 1, columns in bytes
/// from 1.
fn line_and_column(text: &[u8], at: usize) -> String {
    let before = &text[..at.min(text.len())];
    let line = 1 + before.iter().filter(|&&byte| byte == b'\n').count();
    let start = before.iter().rposition(|&byte| byte == b'\n').map_or(0, |newline| newline + 1);
    format!("line {line} column {}", before.len() - start + 1)
}

/// Makes serde_json validate the whole text and keep nothing. serde's `IgnoredAny` would not
/// validate strings.
struct Skim;

thread_local! {
    /// The nesting depth of the running [`Skim`]. The reader stopped within the depth limit, so
    /// serde_json stops there too. The count guards the stack in case the two ever differ.
    static SKIM_DEPTH: std::cell::Cell<usize> = const { std::cell::Cell::new(0) };
}

fn nested<E: serde::de::Error>(walk: impl FnOnce() -> Result<Skim, E>) -> Result<Skim, E> {
    let depth = SKIM_DEPTH.get();
    if depth > DEPTH_MAX {
        return Err(E::custom("recursion limit exceeded"));
    }
    SKIM_DEPTH.set(depth + 1);
    let outcome = walk();
    SKIM_DEPTH.set(depth);
    outcome
}

impl<'de> Deserialize<'de> for Skim {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Skim, D::Error> {
        from.deserialize_any(Skim)
    }
}

impl<'de> Visitor<'de> for Skim {
    type Value = Skim;

    fn expecting(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("any value")
    }

    fn visit_unit<E>(self) -> Result<Skim, E> {
        Ok(Skim)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Skim, E> {
        Ok(Skim)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Skim, E> {
        Ok(Skim)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Skim, E> {
        Ok(Skim)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Skim, E> {
        Ok(Skim)
    }

    fn visit_str<E>(self, _: &str) -> Result<Skim, E> {
        Ok(Skim)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Skim, A::Error> {
        nested(|| {
            while elements.next_element::<Skim>()?.is_some() {}
            Ok(Skim)
        })
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Skim, A::Error> {
        nested(|| {
            while members.next_entry::<Skim, Skim>()?.is_some() {}
            Ok(Skim)
        })
    }
}
