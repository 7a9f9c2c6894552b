//! `JSON.PATCH key json-patch`: the operations of a JSON Patch (RFC 6902), all of them or none.

use serde::{Deserialize, Serialize};

use super::patch_operation::{Operation, Refused};
use super::target::{SizeLimit, document};
use crate::command::{Args, Command, Context, Group, KeySpec, Spec, Write};
use crate::error::CommandError;
use crate::json::path::Steps;
use crate::json::{BadJson, Document, Kind, ParseLimits};
use crate::keyspace::{Edited, Key, Writer};
use crate::resp::Reply;

/// Bytes of documents that one patch may walk over: each operation may copy the document, so a long
/// patch of a large document would hold up every replica. 1 GiB is some tenths of a second.
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
        complexity: "O(N) with N the size of the document",
        summary: "Changes a document by a JSON Patch (RFC 6902), wholly or not at all.",
        syntax: "key json-patch",
    };
}

impl Write for Patch {
    fn parse(args: &mut Args<'_>, context: &Context) -> Result<Patch, CommandError> {
        let (key, word) = (args.key()?, args.word()?);
        let patch = document(word, context).map_err(BadJson::prefixed)?;
        if patch.root().kind() != Kind::Array {
            return Err(CommandError::fixed("ERR a JSON Patch is an array of operations"));
        }
        let operations = patch.root().elements().enumerate().map(|(nth, operation)| {
            Operation::parse(operation).map_err(|reason| Refused { nth, reason }.answer())
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

/// The document after all operations. The one that is given stays as it is.
fn patched(
    document: &Document,
    operations: &[Operation],
    (limits, steps): (&ParseLimits, Steps<'_>),
) -> Result<Document, CommandError> {
    let mut document = document.clone();
    let mut left = WALKED_BYTES_MAX;
    for (nth, operation) in operations.iter().enumerate() {
        left = left
            .checked_sub(document.encoded().len())
            .ok_or(CommandError::fixed("ERR the patch has too many operations for so large a document"))?;
        steps.spend_on_edit(&document)?;
        document = operation.apply(&document, limits).map_err(|reason| Refused { nth, reason }.answer())?;
    }
    Ok(document)
}
