//! Paths: RedisJSON's dialect of JSONPath.
//!
//! [`Path::parse`] reads a path, [`Path::select`] evaluates it straight over the encoded document.
//!
//! Invariants:
//! * parsing is linear in the path, evaluation is bounded by [`Fuel`]; both depend on their input
//!   alone, so every replica comes to the same answer, and neither panics or recurses without bound
//!   on any input;
//! * matches come in document order as RFC 9535 has it: depth first, a value's own children before
//!   what is below them; a value that is found twice is there twice;
//! * an error names the same position and the same rules as RedisJSON's does, except within the
//!   arguments of a function, where it may name fewer.
//!
//! A path is JSONPath when it is `$`, begins with `$.`, `$[`, `$~` or a parenthesis, calls a
//! function that exists, or is one of these behind a minus. Anything else is a *legacy* path, which
//! means the same with `$` or `$.` before it, and is answered with one value instead of an array.
//!
//! # Projections
//! A path that computes is a *projection*, and can only be read. Its grammar, which filters share:
//!
//! ```text
//! value     a sum of products of factors, by + - * / %, from left to right
//! factor    a path or a literal, and one ~ or any methods behind it; a call and any methods;
//!           (value); - factor
//! method    .name(argument, ..), which is name(value, argument, ..)
//! argument  a path, a literal or a call: neither arithmetic nor a parenthesis nor a method
//! ```
//!
//! A name takes `+ - / %`, so spaces stand around these. What a part comes to is of one of four
//! kinds, and the functions tell them apart:
//!
//! * *matches*: what a path leads to, none, one or several;
//! * a *value*: a literal, a number that was computed, an element that was chosen; no match any
//!   more;
//! * a *list*: what `keys()` (or `~`) and `append()` make;
//! * *nothing*: what has no result. Whatever is computed from nothing comes to nothing, except
//!   `count`, which is 0, and `append`, whose receiver may be nothing.
//!
//! | | takes | comes to |
//! |---|---|---|
//! | `+ - * / %`, `-x`, `abs`, `ceiling`, `floor` | one number | a number; a quotient is real, what is not finite is nothing |
//! | `length` | one text, array, object or list | its characters, elements or members |
//! | `concat` | single texts | a text |
//! | `count`, `value` | matches (`count` a list, too) | how many; the only one |
//! | `keys`, `~` | matches | the names of all objects among them, in one list |
//! | `first`, `last`, `index` | matches as a list, or a list | an element |
//! | `append` | as they, or one value | a list of them and the argument, as one element |
//! | `sum`, `min`, `max`, `avg`, `stddev` | nothing but numbers in an array, a list or several matches | a real number |
//! | `match`, `search` | texts and a pattern | whether any has it |
//!
//! *As a list*: one match that is an array is its elements, several matches are themselves, and one
//! match of another type is no list. A function that does not exist, or has another number of
//! arguments, comes to nothing; a filter with a wrong number of arguments is refused.
//!
//! It is answered as an array, of a legacy path too: the matches, the elements of the list, the one
//! value, or none. In a filter, a comparison holds when it does for any of the matches, and a list
//! counts as an array.

mod aggregate;
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
mod steps;
#[cfg(test)]
mod tests;

pub use ast::{Segment, Selector, Slice};
pub use fuel::Fuel;
pub use limits::*;
pub use select::Selection;
pub use steps::{EDITED_BYTES_PER_STEP, STEPS_ALLOWED, STEPS_MAX, StepBudget, Steps};

use crate::error::CommandError;
use ast::{Operand, Query};
use cursor::Cursor;
use expected::Expected;

const TOO_LONG: CommandError = CommandError::fixed("ERR the path is too long");

/// What writing commands answer to a computed path: there is no location to write to.
pub const NO_LOCATION: CommandError = CommandError::fixed(
    "ERR computed/projection expressions are only supported by JSON.GET/JSON.MGET/JSON.RESP",
);

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
    /// Leads to locations in the document. Always absolute.
    Query(Query),
    /// Computes values: read-only.
    Projection(Box<Operand>),
}

impl Path {
    /// Parses a path, legacy or not. The error is the one that RedisJSON answers.
    pub fn parse(text: &[u8]) -> Result<Path, CommandError> {
        if text.len() > PATH_BYTES_MAX {
            return Err(TOO_LONG);
        }
        let text = std::str::from_utf8(text).map_err(|_| CommandError::NOT_UTF8)?;
        let legacy = !is_jsonpath(text.as_bytes());
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

    /// Whether it is answered with one value instead of an array. A projection never is.
    pub fn is_legacy(&self) -> bool {
        self.legacy && !self.is_projection()
    }

    /// Whether it is written without a `$`, what it leads to left aside.
    pub fn is_written_legacy(&self) -> bool {
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

    /// Whether it computes values instead of leading to locations; only GET, MGET and RESP can
    /// answer those.
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

/// Whether a path is JSONPath as it stands: `$`, what begins with `$.`, `$[` or `$~`, a
/// parenthesis, the call of a function, or any but the first of these behind a minus. Anything else
/// is a legacy path: `-$x` is a name.
pub fn is_jsonpath(text: &[u8]) -> bool {
    let begin = match text.first() {
        Some(b'-') => text.iter().position(|byte| *byte != b'-' && !byte.is_ascii_whitespace()),
        _ => Some(0),
    };
    match &text[begin.unwrap_or(text.len())..] {
        [b'$'] => begin == Some(0),
        [b'$', b'.' | b'[' | b'~', ..] | [b'(', ..] => true,
        rest => Cursor::new(rest).is_function(),
    }
}

fn parse_body(text: &str) -> Result<Body, CommandError> {
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
