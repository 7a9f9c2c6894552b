//! Paths: RedisJSON's dialect of JSONPath.
//!
//! [`Path::parse`] parses a path, [`Path::select`] evaluates it directly on the encoded document.
//!
//! Invariants:
//! * parsing takes time linear in the path, and [`Fuel`] limits the evaluation; both depend only on
//!   their input, so every replica gets the same result, and no input causes a panic or unbounded
//!   recursion;
//! * matches are in the document order of RFC 9535: depth first, a value's children before their
//!   descendants; a value that is found twice is listed twice;
//! * an error names the same position and the same rules as RedisJSON's, except within the
//!   arguments of a function, where it may name fewer rules.
//!
//! A path is JSONPath if it is `$`, begins with `$.`, `$[`, `$~` or a parenthesis, or calls an
//! existing function. With a minus before it, each of these except `$` is JSONPath too. Any other
//! path is a *legacy* path: it means the same as with `$` or `$.` before it, and its reply is one
//! value instead of an array.
//!
//! # Projections
//! A path that computes values is a *projection*, and can only be read. Filters share its grammar:
//!
//! ```text
//! value     a sum of products of factors, by + - * / %, from left to right
//! factor    a path or a literal, followed by one ~ or any methods; a call and any methods;
//!           (value); - factor
//! method    .name(argument, ..), which is name(value, argument, ..)
//! argument  a path, a literal or a call: neither arithmetic nor a parenthesis nor a method
//! ```
//!
//! A name may contain `+ - / %`, so these operators need spaces around them. A part of a projection
//! yields one of four kinds of result, which functions distinguish:
//!
//! * *matches*: the matches of a path, of which there may be none, one or several;
//! * a *value*: a literal, a computed number, or an element that a function selected;
//! * a *list*: the result of `keys()` (or `~`) and `append()`;
//! * *nothing*: no result. Anything computed from nothing is nothing, except `count`, which is 0,
//!   `match` and `search`, which are false, and `append`, whose receiver may be nothing.
//!
//! | | takes | yields |
//! |---|---|---|
//! | `+ - * / %`, `-x`, `abs`, `ceiling`, `floor` | one number | a number; a quotient is real, a result that is not finite is nothing |
//! | `length` | one text, array, object or list | its characters, elements or members |
//! | `concat` | single texts | a text |
//! | `count` | matches or a list | their number |
//! | `value` | a single match | the match |
//! | `keys`, `~` | matches | the names of all objects among them, in one list |
//! | `first`, `last`, `index` | matches as a list, or a list | an element |
//! | `append` | matches as a list, a list, or one value | a list with the argument as one more element |
//! | `sum`, `min`, `max`, `avg`, `stddev` | only numbers, in an array, a list or several matches | a real number |
//! | `match`, `search` | texts and a pattern | whether any text matches |
//!
//! *As a list*: a single match that is an array counts as its elements, several matches count as
//! themselves, and a single match of another type is not a list. A call of an unknown function, or
//! with a wrong number of arguments, yields nothing; in a filter, a wrong number of arguments is an
//! error.
//!
//! The reply to a projection is an array, even for a legacy path: it has the matches, the elements
//! of the list, the single value, or nothing. In a filter, a comparison holds if it holds for any
//! of the matches, and a list counts as an array.

mod arithmetic;
mod ast;
mod compare;
mod cursor;
mod eval;
mod expected;
mod filter;
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
pub use limits::*;
pub use select::Selection;
pub use steps::{EDITED_BYTES_PER_STEP, STEPS_ALLOWED, STEPS_MAX, StepBudget, Steps};

use crate::error::CommandError;
use ast::{Operand, Query};
use cursor::Cursor;
use expected::Expected;

const TOO_LONG: CommandError = CommandError::fixed("ERR the path is too long");

/// The error for a projection in a command that works on locations: a projection computes values,
/// which have no location in the document.
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
    /// Matches locations in the document. Always absolute.
    Query(Query),
    /// Computes values: read-only.
    Projection(Box<Operand>),
}

impl Path {
    /// Parses a path, legacy or not. The errors are RedisJSON's.
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

    /// Whether the reply is one value instead of an array. For a projection it never is.
    pub fn is_legacy(&self) -> bool {
        self.legacy && !self.is_projection()
    }

    /// Whether it is written as a legacy path, be it a projection or not.
    pub fn is_written_legacy(&self) -> bool {
        self.legacy
    }

    /// Whether this is `$` or `.`.
    pub fn is_root(&self) -> bool {
        self.segments().is_some_and(<[Segment]>::is_empty)
    }

    /// Whether each step is a single name or index, so that there is at most one match.
    pub fn is_static(&self) -> bool {
        self.segments().is_some_and(|segments| segments.iter().all(Segment::is_single))
    }

    /// Whether the path computes values instead of matching locations. Only JSON.GET, JSON.MGET and
    /// JSON.RESP accept such a path.
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

    /// The name in the last step, if the step is a single name.
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

/// Whether a path is JSONPath. It is if it is `$`, begins with `$.`, `$[`, `$~` or a parenthesis,
/// or calls a function. With a minus before it, each of these except `$` is JSONPath too. Any other
/// path is a legacy path; `-$x`, for example, is a name.
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
        Err(fault) => Err(cursor.command_error(fault)),
    }
}
