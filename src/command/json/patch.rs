//! `JSON.PATCH key json-patch`: applies the operations of a JSON Patch (RFC 6902), all or none.

use serde::{Deserialize, Serialize};

use super::target::{SizeLimit, document};
use crate::command::{Args, Command, Context, Group, KeySpec, Spec, Write};
use crate::error::CommandError;
use crate::json::edit::{delete, insert_elements, put_member, replace};
use crate::json::path::Steps;
use crate::json::{BadJson, Document, Kind, ParseLimits, Value, equal};
use crate::keyspace::{Edited, Key, Writer};
use crate::resp::Reply;

/// Maximum document bytes that one patch processes. Each operation may copy the document, so a long
/// patch of a large document would keep every replica busy. Processing 1 GiB takes some tenths of a
/// second.
pub(in crate::command) const WALKED_BYTES_MAX: usize = 1 << 30;

#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub struct Patch {
    key: Key,
    operations: Vec<Operation>,
    limit: SizeLimit,
}

impl Command for Patch {
    const SPEC: Spec = Spec {
        name: "JSON.PATCH",
        aliases: &[],
        arity: 3,
        keys: KeySpec::FIRST,
        group: Group::Json,
        since: "0.1.0",
        complexity: "O(N), N: size of the document",
        summary: "Applies a JSON Patch (RFC 6902) to a document; all operations or none.",
        syntax: "key json-patch",
    };
}

impl Write for Patch {
    fn parse(args: &mut Args<'_>, context: &Context) -> Result<Patch, CommandError> {
        let (key, word) = (args.key()?, args.word()?);
        let patch = document(word, context).map_err(BadJson::prefixed)?;
        if patch.root().kind() != Kind::Array {
            return Err(CommandError::fixed("ERR a JSON Patch must be an array of operations"));
        }
        let operations = patch.root().elements().enumerate().map(|(nth, operation)| {
            Operation::parse(operation).map_err(|reason| Refused { nth, reason }.error())
        });
        Ok(Patch { key, operations: operations.collect::<Result<_, _>>()?, limit: SizeLimit::of(context) })
    }

    fn apply(self, keyspace: &mut Writer<'_>) -> Result<Reply, CommandError> {
        let steps = keyspace.steps();
        let patched = keyspace.edit_document(self.key.as_bytes(), |document| {
            let patched = patched(document, &self.operations, (&self.limit.limits(), steps))?;
            if self.operations.iter().all(|operation| matches!(operation, Operation::Test { .. })) {
                return Ok(Edited::Unchanged(Reply::OK));
            }
            *document = patched;
            Ok(Edited::Changed(Reply::OK))
        })?;
        patched.ok_or(CommandError::NO_KEY)
    }
}

/// A copy of the document with all operations applied.
fn patched(
    document: &Document,
    operations: &[Operation],
    (limits, steps): (&ParseLimits, Steps<'_>),
) -> Result<Document, CommandError> {
    let mut document = document.clone();
    let mut left = WALKED_BYTES_MAX;
    for (nth, operation) in operations.iter().enumerate() {
        left = left.checked_sub(document.encoded().len()).ok_or(CommandError::fixed(
            "ERR the patch has too many operations for the size of the document",
        ))?;
        steps.spend_on_edit(&document)?;
        document = operation.apply(&document, limits).map_err(|reason| Refused { nth, reason }.error())?;
    }
    Ok(document)
}

/// One operation (RFC 6902, section 4).
#[derive(Debug, PartialEq, Serialize, Deserialize)]
enum Operation {
    Add { path: Pointer, value: Document },
    Remove { path: Pointer },
    Replace { path: Pointer, value: Document },
    Move { from: Pointer, path: Pointer },
    Copy { from: Pointer, path: Pointer },
    Test { path: Pointer, value: Document },
}

/// The operation at which a patch fails, counted from 0, and the reason.
struct Refused {
    nth: usize,
    reason: CommandError,
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

const NOT_AN_OPERATION: CommandError = CommandError::fixed("the operation is not an object");
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
    fn parse(operation: Value<'_>) -> Result<Operation, CommandError> {
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
    fn apply(&self, document: &Document, limits: &ParseLimits) -> Result<Document, CommandError> {
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

/// A JSON Pointer (RFC 6901): the steps from the root, unescaped. The root itself has no steps.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Pointer(Vec<Box<str>>);

impl Pointer {
    /// Parses a pointer; `None` if the text has an invalid escape, or is not empty and does not
    /// begin with a slash.
    fn parse(text: &str) -> Option<Pointer> {
        if text.is_empty() {
            return Some(Pointer(Vec::new()));
        }
        let steps = text.strip_prefix('/')?.split('/');
        steps.map(unescaped).collect::<Option<Vec<_>>>().map(Pointer)
    }

    fn split_last(&self) -> Option<(&[Box<str>], &str)> {
        self.0.split_last().map(|(last, before)| (before, &**last))
    }

    fn steps(&self) -> &[Box<str>] {
        &self.0
    }

    /// Whether `other` points to a value inside the value of this pointer.
    fn contains(&self, other: &Pointer) -> bool {
        other.0.len() > self.0.len() && other.0.starts_with(&self.0)
    }
}

fn unescaped(step: &str) -> Option<Box<str>> {
    let mut parts = step.split('~');
    let mut out = parts.next()?.to_owned();
    for part in parts {
        out.push(match part.as_bytes().first()? {
            b'0' => '~',
            b'1' => '/',
            _ => return None,
        });
        out.push_str(&part[1..]);
    }
    Some(out.into())
}

/// The value to which the steps lead; `None` if there is none.
fn resolve<'v>(root: Value<'v>, steps: &[Box<str>]) -> Option<Value<'v>> {
    steps.iter().try_fold(root, |value, step| match value.kind() {
        Kind::Object => value.member(step.as_bytes()).map(|member| member.value),
        Kind::Array => value.nth(index(step)?),
        _ => None,
    })
}

/// Parses a step as an array index: digits without leading zeros.
fn index(step: &str) -> Option<usize> {
    let digits = step.bytes().all(|byte| byte.is_ascii_digit());
    let plain = digits && !step.is_empty() && (step == "0" || !step.starts_with('0'));
    plain.then(|| step.parse().ok()).flatten()
}
