//! Replies of the JSON commands.
//!
//! * The errors have the exact texts of RedisJSON, since clients match on them.
//! * [`render`] prints the matches of a path as JSON text: an array for a `$` path, the first value
//!   for a legacy path.
//! * [`expand`] turns values into RESP3 replies: `FORMAT EXPAND` and `FORMAT EXPAND1`.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::command::{Budget, Context};
use crate::error::CommandError;
use crate::json::path::{Path, Selection, Steps};
use crate::json::{Document, Kind, Number, Style, Value, print, print_list, print_within};
use crate::resp::{Protocol, Reply};

pub const NOT_A_BOOL: CommandError = CommandError::fixed("ERR Path does not exist or not a bool");
pub const NOT_A_STRING: CommandError = CommandError::fixed("ERR Path does not exist or not a string");
pub const NOT_AN_ARRAY: CommandError = CommandError::fixed("ERR Path does not exist or not an array");
pub const NOT_AN_OBJECT: CommandError = CommandError::fixed("ERR Path does not exist or not an object");
pub const NOT_NUMERIC: CommandError =
    CommandError::fixed("ERR Path does not exist or does not contains a number");

pub const EXPECTED_STRING: CommandError =
    CommandError::fixed("WRONGTYPE wrong type of path value - expected string");
pub const EXPECTED_ARRAY: CommandError =
    CommandError::fixed("WRONGTYPE wrong type of path value - expected array");
pub const EXPECTED_OBJECT: CommandError =
    CommandError::fixed("WRONGTYPE wrong type of path value - expected object");

/// The error for a path with a step that is not a single name or index, if the path matches nothing
/// and would have to be created. JSON.SET also returns it for NX if such a path has a match.
pub const NOT_STATIC: CommandError = CommandError::fixed("Err wrong static path");
pub const INDEX_OUT_OF_RANGE: CommandError = CommandError::fixed("ERR array index out of range");
pub const INDEX_OUT_OF_BOUNDS: CommandError = CommandError::fixed("ERR index out of bounds");
pub const BAD_INTEGER: CommandError = CommandError::fixed("Couldn't parse as integer");
/// The error for an element of an array of numbers of one type, which RedisJSON stores in a packed
/// form: such elements can be neither merged nor cleared.
pub const BAD_OBJECT: CommandError = CommandError::fixed("ERR bad object type");

pub const FORMAT_NEEDS_RESP3: CommandError =
    CommandError::fixed("ERR FORMAT argument is not supported on RESP2");
pub const BAD_FORMAT: CommandError = CommandError::fixed("ERR wrong reply format");
pub const BAD_FPHA: CommandError = CommandError::fixed("ERR invalid FPHA type");
pub const UNKNOWN_DEBUG: CommandError = CommandError::fixed("ERR unknown subcommand - try `JSON.DEBUG HELP`");

/// Appends the matches of `path` as text: an array for a `$` path, the first value for a legacy
/// path.
pub fn render(
    path: &Path,
    document: &Document,
    style: &Style<'_>,
    (budget, steps): (&mut Budget, Steps<'_>),
    out: &mut Vec<u8>,
) -> Result<(), CommandError> {
    print_matches(path, document, style, (0, path.is_legacy()), (budget, steps), out)
}

/// Appends the matches of `path` as text. `shape` is the number of enclosing containers, and
/// whether only the first value is printed instead of an array.
///
/// # Errors
/// If only the first value is printed and nothing matches, or if the budget or the steps are
/// exhausted.
pub fn print_matches(
    path: &Path,
    document: &Document,
    style: &Style<'_>,
    shape: (usize, bool),
    (budget, steps): (&mut Budget, Steps<'_>),
    out: &mut Vec<u8>,
) -> Result<(), CommandError> {
    if path.is_static() {
        let location = steps.evaluate(document, |fuel| path.single(document, fuel))?;
        let value = location.map(|location| location.value(document));
        return print_values(value.into_iter(), style, shape, budget, out);
    }
    match steps.evaluate(document, |fuel| path.show(document, fuel))? {
        Selection::Locations(locations) => {
            let values = locations.iter().map(|location| location.value(document));
            print_values(values, style, shape, budget, out)
        }
        Selection::Values(values) => {
            print_values(values.iter().map(|value| Value::at(value, 0)), style, shape, budget, out)
        }
    }
}

fn print_values<'v>(
    mut values: impl Iterator<Item = Value<'v>> + Clone,
    style: &Style<'_>,
    (level, bare): (usize, bool),
    budget: &mut Budget,
    out: &mut Vec<u8>,
) -> Result<(), CommandError> {
    if bare {
        let value = values.next().ok_or(CommandError::NO_PATH)?;
        budget.spend_on_text(value, style, level)?;
        print_within(value, style, level, out);
    } else {
        values.clone().try_for_each(|value| budget.spend_on_text(value, style, level + 1))?;
        print_list(values, style, level, out);
    }
    Ok(())
}

/// The depth to which values are expanded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Expansion {
    /// `EXPAND1`: only the list of matches is a RESP array. Numbers, booleans and null become RESP
    /// types, and other values JSON text.
    Outermost,
    /// `EXPAND`: all levels become RESP types; strings have no quotes.
    Whole,
}

/// Parses the word after `FORMAT`; `None` means text. RESP2 refuses every format, known or not.
pub fn format(word: &Bytes, context: &Context) -> Result<Option<Expansion>, CommandError> {
    needs_resp3(context)?;
    named(word)
}

/// Returns an error in RESP2, which lacks the types for `FORMAT`.
pub fn needs_resp3(context: &Context) -> Result<(), CommandError> {
    if context.protocol == Protocol::Resp2 { Err(FORMAT_NEEDS_RESP3) } else { Ok(()) }
}

/// The format with this name, ignoring case.
pub fn named(word: &Bytes) -> Result<Option<Expansion>, CommandError> {
    match &word.to_ascii_uppercase()[..] {
        b"STRING" | b"STRINGS" => Ok(None),
        b"EXPAND1" => Ok(Some(Expansion::Outermost)),
        b"EXPAND" => Ok(Some(Expansion::Whole)),
        _ => Err(BAD_FORMAT),
    }
}

/// All matches of `path` as one array.
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

/// A value as a reply. With `EXPAND`, a container becomes an array or a map.
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

/// A value as a reply of JSON text.
pub fn text(value: Value<'_>) -> Reply {
    let mut out = Vec::new();
    print(value, &Style::default(), &mut out);
    Reply::bulk(out)
}

/// A number as a reply: an integer if it is an `i64`, otherwise a double.
pub fn number(number: Number) -> Reply {
    match number {
        Number::Int(whole) => Reply::Integer(whole),
        Number::Uint(_) | Number::Float(_) => Reply::Double(number.as_f64()),
    }
}
