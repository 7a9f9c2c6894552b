//! Values as replies of their own instead of JSON text: what `FORMAT EXPAND` and `EXPAND1` ask for
//! in RESP3.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::errors::{BAD_FORMAT, FORMAT_NEEDS_RESP3};
use crate::command::{Budget, Context};
use crate::error::CommandError;
use crate::json::path::{Path, Selection, Steps};
use crate::json::{Document, Kind, Number, Style, Value, print};
use crate::resp::{Protocol, Reply};

/// How far values are taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Expansion {
    /// `EXPAND1`: the list of the matches alone; numbers and truths are replies, anything else is
    /// JSON text.
    Outermost,
    /// `EXPAND`: everything, and strings stand without quotes.
    Whole,
}

/// What `FORMAT` asks for; `None` is text. The protocol is asked first: with RESP2 any format is
/// refused, known or not.
pub fn format(word: &Bytes, context: &Context) -> Result<Option<Expansion>, CommandError> {
    needs_resp3(context)?;
    named(word)
}

/// RESP2 has no replies for what `FORMAT` asks for.
pub fn needs_resp3(context: &Context) -> Result<(), CommandError> {
    if context.protocol == Protocol::Resp2 { Err(FORMAT_NEEDS_RESP3) } else { Ok(()) }
}

/// The format that a word names.
pub fn named(word: &Bytes) -> Result<Option<Expansion>, CommandError> {
    match &word.to_ascii_uppercase()[..] {
        b"STRING" | b"STRINGS" => Ok(None),
        b"EXPAND1" => Ok(Some(Expansion::Outermost)),
        b"EXPAND" => Ok(Some(Expansion::Whole)),
        _ => Err(BAD_FORMAT),
    }
}

/// All matches of `path`, as one array.
pub fn expand_all(
    path: &Path,
    document: &Document,
    expansion: Expansion,
    (budget, steps): (&mut Budget, Steps<'_>),
) -> Result<Reply, CommandError> {
    let selection = steps.evaluate(document, |fuel| path.show(document, fuel))?;
    let mut one = |value: Value<'_>| {
        budget.spend_on_replies(value)?;
        Ok(expand(value, expansion))
    };
    let values: Result<Vec<Reply>, CommandError> = match selection {
        Selection::Locations(locations) => {
            locations.iter().map(|location| one(location.value(document))).collect()
        }
        Selection::Values(values) => values.iter().map(|value| one(Value::at(value, 0))).collect(),
    };
    values.map(Reply::Array)
}

/// One value: with `EXPAND`, a container is an array or a map.
pub fn expand(value: Value<'_>, expansion: Expansion) -> Reply {
    let whole = expansion == Expansion::Whole;
    match value.kind() {
        Kind::Null => Reply::Null,
        Kind::True => Reply::Boolean(true),
        Kind::False => Reply::Boolean(false),
        Kind::Int | Kind::Uint | Kind::Float => {
            number(Number::of(value).expect("a number's kind was matched"))
        }
        Kind::Text | Kind::TextEscaped if whole => Reply::bulk(value.payload().to_vec()),
        Kind::Array if whole => {
            Reply::Array(value.elements().map(|child| expand(child, expansion)).collect())
        }
        Kind::Object if whole => {
            let member =
                |(key, child): (&[u8], Value<'_>)| (Reply::bulk(key.to_vec()), expand(child, expansion));
            Reply::Map(value.members().map(|found| member((found.key, found.value))).collect())
        }
        Kind::Text | Kind::TextEscaped | Kind::Array | Kind::Object => text(value),
    }
}

/// A value as JSON text.
pub fn text(value: Value<'_>) -> Reply {
    let mut out = Vec::new();
    print(value, &Style::default(), &mut out);
    Reply::bulk(out)
}

/// A number that is no `i64` goes out as a double.
pub fn number(number: Number) -> Reply {
    match number {
        Number::Int(whole) => Reply::Integer(whole),
        Number::Uint(_) | Number::Float(_) => Reply::Double(number.as_f64()),
    }
}
