//! `JSON.MERGE key path json`: applies a merge patch (RFC 7396) to every match of a path.

use serde::{Deserialize, Serialize};

use super::create::create_member;
use super::reply::BAD_OBJECT;
use super::target::{SizeLimit, Target, document, locations};
use crate::command::{Args, Command, Context, Group, KeySpec, Spec, Write};
use crate::error::CommandError;
use crate::json::Value as JsonValue;
use crate::json::path::{Path, Steps};
use crate::json::{Action, BadJson, Builder, Document, Kind, Location, is_packed, merge, rewrite};
use crate::keyspace::{Edited, Key, Value, Writer};
use crate::resp::Reply;

#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub struct Merge {
    key: Key,
    path: Target,
    patch: Document,
    limit: SizeLimit,
}

impl Command for Merge {
    const SPEC: Spec = Spec {
        name: "JSON.MERGE",
        aliases: &[],
        arity: -4,
        keys: KeySpec::FIRST,
        group: Group::Json,
        since: "2.6.0",
        complexity: "O(M+N), M: size of the document, N: size of the value",
        summary: "Applies a JSON Merge Patch (RFC 7396) to each value at the path.",
        syntax: "key path json",
    };
}

impl Write for Merge {
    fn parse(args: &mut Args<'_>, context: &Context) -> Result<Merge, CommandError> {
        let (key, path, text) = (args.key()?, args.word()?, args.word()?);
        args.finish()?;
        Merge::new(key, path, text, context)
    }

    fn apply(self, keyspace: &mut Writer<'_>) -> Result<Reply, CommandError> {
        let path = self.path.path()?;
        let steps = keyspace.steps();
        let merged =
            keyspace.edit_document(self.key.as_bytes(), |document| self.edit(&path, document, steps))?;
        match merged {
            Some(true) => Ok(Reply::OK),
            Some(false) => Ok(Reply::Null),
            None if self.path.is_root() => {
                keyspace.replace(self.key, Value::Json(self.patch));
                Ok(Reply::OK)
            }
            None => Err(CommandError::NOT_AT_ROOT),
        }
    }
}

impl Merge {
    pub fn new(key: Key, path: &[u8], text: &[u8], context: &Context) -> Result<Merge, CommandError> {
        let patch = document(text, context).map_err(BadJson::bare)?;
        Ok(Merge { key, path: Target::parse(path)?, patch, limit: SizeLimit::of(context) })
    }

    /// Merges the patch into the matches or, if there are none, adds the patch as the member that
    /// the path names. Returns whether either was possible.
    fn edit(
        &self,
        path: &Path,
        document: &mut Document,
        steps: Steps<'_>,
    ) -> Result<Edited<bool>, CommandError> {
        let found = locations(path, document, steps)?;
        if found.is_empty() {
            return create_member(document, path, self.patch.root(), (&self.limit.limits(), steps));
        }
        let found = self.survivors(document, found);
        let in_packed = |parent: usize| is_packed(JsonValue::at(document.encoded(), parent));
        if found.iter().any(|location| location.parent.is_some_and(in_packed)) {
            return Err(BAD_OBJECT);
        }
        let offsets: Vec<usize> = found.iter().map(|location| location.at).collect();
        steps.spend_on_edit(document)?;
        let edited = rewrite(document, &offsets, &self.limit.limits(), |_, tail| {
            let mut merged = Builder::new();
            merge(tail.value(), self.patch.root(), &mut merged);
            tail.replace(&merged.into_bytes())?;
            Ok(Action::Keep)
        })?;
        *document = edited.expect("an edit without deletions keeps the root");
        Ok(Edited::Changed(true))
    }

    /// The matches by offset, each once, without those inside a match that the patch replaces.
    fn survivors(&self, document: &Document, mut found: Vec<Location>) -> Vec<Location> {
        found.sort_unstable_by_key(|location| location.at);
        found.dedup_by_key(|location| location.at);
        let mut replaced_until = 0;
        found.retain(|location| {
            let value = location.value(document);
            let survives = value.offset() >= replaced_until;
            if survives && (self.patch.root().kind() != Kind::Object || value.kind() != Kind::Object) {
                replaced_until = value.end();
            }
            survives
        });
        found
    }
}
