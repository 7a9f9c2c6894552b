//! One operation of a JSON Patch (RFC 6902, section 4).

use serde::{Deserialize, Serialize};

use super::pointer::{Pointer, index, resolve};
use crate::error::CommandError;
use crate::json::edit::{delete, insert_elements, put_member, replace};
use crate::json::{Document, Kind, ParseLimits, Value, equal};

#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub enum Operation {
    Add { path: Pointer, value: Document },
    Remove { path: Pointer },
    Replace { path: Pointer, value: Document },
    Move { from: Pointer, path: Pointer },
    Copy { from: Pointer, path: Pointer },
    Test { path: Pointer, value: Document },
}

/// The operation at which a patch fails, counted from 0, and the reason.
pub struct Refused {
    pub nth: usize,
    pub reason: CommandError,
}

impl Refused {
    fn error(self) -> CommandError {
        let reason = self.reason.line();
        CommandError::new(format!(
            "ERR patch operation {}: {}",
            self.nth,
            reason.strip_prefix("ERR ").unwrap_or(reason)
        ))
    }
}

const NOT_AN_OPERATION: CommandError = CommandError::fixed("it is not an object");
const BAD_NAME: CommandError =
    CommandError::fixed("`op` is not one of add, remove, replace, move, copy, test");
const NO_PATH: CommandError = CommandError::fixed("`path` is missing or not a JSON Pointer");
const NO_FROM: CommandError = CommandError::fixed("`from` is missing or not a JSON Pointer");
const NO_VALUE: CommandError = CommandError::fixed("`value` is missing");
const MISSING: CommandError = CommandError::fixed("the path does not exist");
const MISSING_FROM: CommandError = CommandError::fixed("the path in `from` does not exist");
const BAD_INDEX: CommandError = CommandError::fixed("the index is out of range");
const INTO_ITSELF: CommandError = CommandError::fixed("a value cannot be moved into itself");
const ROOT_STAYS: CommandError = CommandError::fixed("the root cannot be removed");
const DIFFERENT: CommandError = CommandError::fixed("the test failed");

impl Operation {
    pub fn parse(operation: Value<'_>) -> Result<Operation, CommandError> {
        if operation.kind() != Kind::Object {
            return Err(NOT_AN_OPERATION);
        }
        let field = |name: &str| operation.member(name.as_bytes()).map(|member| member.value);
        let text = |name: &str| std::str::from_utf8(field(name)?.as_text()?).ok();
        let pointer = |name: &str| text(name).and_then(Pointer::parse);
        let value = || field("value").map(|value| Document::from_trusted(value.encoded())).ok_or(NO_VALUE);
        let name = text("op").ok_or(BAD_NAME)?;
        let path = pointer("path").ok_or(NO_PATH);
        let from = || pointer("from").ok_or(NO_FROM);
        Ok(match name {
            "add" => Operation::Add { path: path?, value: value()? },
            "remove" => Operation::Remove { path: path? },
            "replace" => Operation::Replace { path: path?, value: value()? },
            "move" => Operation::Move { from: from()?, path: path? },
            "copy" => Operation::Copy { from: from()?, path: path? },
            "test" => Operation::Test { path: path?, value: value()? },
            _ => return Err(BAD_NAME),
        })
    }

    /// A copy of the document with the operation applied.
    pub fn apply(&self, document: &Document, limits: &ParseLimits) -> Result<Document, CommandError> {
        let at = |pointer: &Pointer| resolve(document.root(), pointer.steps());
        match self {
            Operation::Add { path, value } => add(document, path, value.root(), limits),
            Operation::Remove { path } => remove(document, path),
            Operation::Replace { path, value } => {
                let location = at(path).ok_or(MISSING)?.offset();
                replace(document, &[location], value.encoded(), limits)
            }
            Operation::Copy { from, path } => add(document, path, at(from).ok_or(MISSING_FROM)?, limits),
            Operation::Move { from, path } if from == path => {
                at(from).map(|_| document.clone()).ok_or(MISSING_FROM)
            }
            Operation::Move { from, path } if from.contains(path) => Err(INTO_ITSELF),
            Operation::Move { from, path } => {
                let value = at(from).ok_or(MISSING_FROM)?;
                add(&remove(document, from)?, path, value, limits)
            }
            Operation::Test { path, value } => match at(path) {
                Some(found) if equal(found, value.root()) => Ok(document.clone()),
                Some(_) => Err(DIFFERENT),
                None => Err(MISSING),
            },
        }
    }
}

fn add(
    document: &Document,
    path: &Pointer,
    value: Value<'_>,
    limits: &ParseLimits,
) -> Result<Document, CommandError> {
    let Some((before, last)) = path.split_last() else {
        return replace(document, &[0], value.encoded(), limits);
    };
    let parent = resolve(document.root(), before).ok_or(MISSING)?;
    match parent.kind() {
        Kind::Object => put_member(document, &[parent.offset()], last.as_bytes(), value.encoded(), limits),
        Kind::Array => {
            let count = parent.count();
            let index = if last == "-" { Some(count) } else { index(last) };
            let index = index.filter(|&index| index <= count).ok_or(BAD_INDEX)?;
            insert_elements(document, &[parent.offset()], index, value.encoded(), limits)
        }
        _ => Err(MISSING),
    }
}

fn remove(document: &Document, path: &Pointer) -> Result<Document, CommandError> {
    let location = resolve(document.root(), path.steps()).ok_or(MISSING)?.offset();
    delete(document, &[location]).ok_or(ROOT_STAYS)
}
