//! Paths: RedisJSON's dialect of JSONPath.
//!
//! [`Path::parse`] reads a path, [`Path::select`] evaluates it straight over the encoded document.
//!
//! Invariants:
//! * parsing is linear in the path, evaluation is bounded by [`Fuel`]; both depend on their input alone, so every
//!   replica comes to the same answer, and neither panics or recurses without bound on any input;
//! * matches come in document order as RFC 9535 has it: depth first, a value's own children before what is below
//!   them; a value that is found twice is there twice;
//! * an error names the same position and the same rules as RedisJSON's does.
//!
//! A path is JSONPath when it is `$` or begins with `$.` or `$[`. Anything else is a *legacy* path, which means the
//! same with `$` or `$.` before it, and is answered with one value instead of an array.

mod arithmetic;
mod ast;
mod compare;
mod cursor;
mod eval;
mod expected;
mod filter;
mod fuel;
mod function;
mod limits;
mod literal;
mod operand;
mod parse;
mod parse_filter;
mod pattern;
mod select;
#[cfg(test)]
mod tests;

pub use ast::{Segment, Selector, Slice};
pub use fuel::Fuel;
pub use limits::*;
pub use select::Selection;

use crate::error::Answer;
use ast::{Operand, Query};
use cursor::Cursor;
use expected::Expected;

const TOO_LONG: Answer = Answer::fixed("ERR the path is too long");
const NOT_TEXT: Answer = Answer::fixed("ERR the path is not valid UTF-8");

/// What writing commands answer to a computed path: there is no place to write to.
pub const NO_PLACE: Answer = Answer::fixed("ERR wrong path: a computed value can only be read");

/// A parsed path.
#[derive(Clone, Debug)]
pub struct Path {
    /// As the client wrote it.
    text: Box<str>,
    legacy: bool,
    body: Body,
}

#[derive(Clone, Debug)]
enum Body {
    /// Leads to places in the document. Always absolute.
    Query(Query),
    /// Computes values: read-only.
    Projection(Box<Operand>),
}

impl Path {
    /// Parses a path, legacy or not. The error is the one that RedisJSON answers.
    pub fn parse(text: &[u8]) -> Result<Path, Answer> {
        if text.len() > PATH_BYTES_MAX {
            return Err(TOO_LONG);
        }
        let text = std::str::from_utf8(text).map_err(|_| NOT_TEXT)?;
        let legacy = !(text == "$" || text.starts_with("$.") || text.starts_with("$["));
        let body = match (legacy, text) {
            (false, _) => parse_body(text)?,
            (true, ".") => parse_body("$")?,
            (true, _) if text.starts_with('.') => parse_body(&format!("${text}"))?,
            (true, _) => parse_body(&format!("$.{text}"))?,
        };
        Ok(Path { text: text.into(), legacy, body })
    }

    /// The document's root, `$`.
    pub fn root() -> Path {
        Path {
            text: "$".into(),
            legacy: false,
            body: Body::Query(Query { absolute: true, segments: Vec::new() }),
        }
    }

    pub fn is_legacy(&self) -> bool {
        self.legacy
    }

    /// Whether this is `$` or `.`.
    pub fn is_root(&self) -> bool {
        self.segments().is_some_and(<[Segment]>::is_empty)
    }

    /// Whether each step is a single name or index, so that there is one match at most.
    pub fn is_static(&self) -> bool {
        self.segments().is_some_and(|segments| segments.iter().all(Segment::is_single))
    }

    /// Whether it computes values instead of leading to places; only GET, MGET and RESP can answer those.
    pub fn is_projection(&self) -> bool {
        matches!(self.body, Body::Projection(_))
    }

    /// The path as the client wrote it.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The steps, unless it is a projection.
    pub fn segments(&self) -> Option<&[Segment]> {
        match &self.body {
            Body::Query(query) => Some(&query.segments),
            Body::Projection(_) => None,
        }
    }

    /// The name that the last step asks for, when it asks for a single one.
    pub fn last_name(&self) -> Option<&[u8]> {
        match self.segments()?.last()? {
            Segment::Child(Selector::Name(name)) => Some(name),
            _ => None,
        }
    }

    /// The path without its last step, and that step; `None` for the root and for projections.
    pub fn split_last(&self) -> Option<(Path, &Segment)> {
        let (last, before) = self.segments()?.split_last()?;
        let body = Body::Query(Query { absolute: true, segments: before.to_vec() });
        Some((Path { text: self.text.clone(), legacy: self.legacy, body }, last))
    }
}

fn parse_body(text: &str) -> Result<Body, Answer> {
    let mut cursor = Cursor::new(text.as_bytes());
    let operand = cursor.value().and_then(|operand| {
        cursor.expect(Expected::END);
        if cursor.is_at_end() { Ok(operand) } else { cursor.fail(cursor.at(), Expected::END) }
    });
    match operand {
        Ok(Operand::Query(query)) => Ok(Body::Query(query)),
        Ok(operand) => Ok(Body::Projection(Box::new(operand))),
        Err(fault) => Err(cursor.answer(fault)),
    }
}
