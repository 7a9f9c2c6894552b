//! `JSON.MSET key path json ...`: sets several values, all or none.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::create::create_member;
use super::target::{SizeLimit, Target, document, locations, outermost};
use crate::command::{Args, Command, Context, Group, KeySpec, Spec, Write};
use crate::error::CommandError;
use crate::json::edit::replace;
use crate::json::path::Steps;
use crate::json::{BadJson, Document};
use crate::keyspace::{Edited, Key, Scope, Value, Writer};
use crate::resp::Reply;

/// Maximum document bytes that one command processes. Each path walks its document and each change
/// copies it, and a request can name a large document many times. Processing 1 GiB takes about half
/// a second.
pub(in crate::command) const WALKED_BYTES_MAX: usize = 1 << 30;
const TOO_MUCH: CommandError = CommandError::fixed("ERR too many changes for the size of the documents");

#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub struct Mset {
    settings: Vec<Setting>,
    limit: SizeLimit,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Setting {
    key: Key,
    path: Target,
    value: Document,
}

impl Command for Mset {
    const SPEC: Spec = Spec {
        name: "JSON.MSET",
        aliases: &[],
        arity: -4,
        keys: KeySpec::new(1, -1, 3),
        group: Group::Json,
        since: "2.6.0",
        complexity: "O(N*M), N: keys, M: size of a document",
        summary: "Writes values at paths of several documents; all of them or none.",
        syntax: "(key path json) ...",
    };
}

impl Write for Mset {
    fn parse(args: &mut Args<'_>, context: &Context) -> Result<Mset, CommandError> {
        if !args.left().is_multiple_of(3) {
            return Err(args.wrong_arity());
        }
        let mut settings = Vec::with_capacity(args.left() / 3);
        while !args.is_empty() {
            let (key, path, text) = (args.key()?, args.word()?, args.word()?);
            let value = document(text, context).map_err(BadJson::bare)?;
            settings.push(Setting { key, path: Target::parse(path)?, value });
        }
        Ok(Mset { settings, limit: SizeLimit::of(context) })
    }

    fn scope(&self) -> Scope {
        Scope::of(self.settings.len())
    }

    /// Edits copies of the documents, and stores the copies once all changes have succeeded. Until
    /// its first edit, a copy shares its bytes with the original.
    fn apply(self, keyspace: &mut Writer<'_>) -> Result<Reply, CommandError> {
        let mut staged: Vec<(Key, Option<Document>)> = Vec::with_capacity(self.settings.len());
        let mut positions: BTreeMap<Key, usize> = BTreeMap::new();
        let mut left = WALKED_BYTES_MAX;
        let (mut complete, steps) = (true, keyspace.steps());
        for setting in self.settings {
            let nth = match positions.get(&setting.key) {
                Some(&nth) => nth,
                None => {
                    staged.push((setting.key.clone(), keyspace.document(setting.key.as_bytes())?));
                    positions.insert(setting.key.clone(), staged.len() - 1);
                    staged.len() - 1
                }
            };
            if !setting.path.is_root() {
                let bytes = staged[nth].1.as_ref().map_or(0, |document| document.encoded().len());
                left = left.checked_sub(bytes).ok_or(TOO_MUCH)?;
            }
            complete &= setting.apply(&mut staged[nth].1, self.limit, steps)?;
        }
        if !complete {
            return Ok(Reply::Null);
        }
        for (key, document) in staged {
            let document = document.expect("a successful write leaves a document");
            keyspace.put_keeping_deadline(key, Value::Json(document));
        }
        Ok(Reply::OK)
    }
}

impl Setting {
    /// Returns whether the value was set.
    fn apply(
        self,
        document: &mut Option<Document>,
        limit: SizeLimit,
        steps: Steps<'_>,
    ) -> Result<bool, CommandError> {
        if self.path.is_root() {
            *document = Some(self.value);
            return Ok(true);
        }
        let Some(document) = document else { return Err(CommandError::NOT_AT_ROOT) };
        let path = self.path.path()?;
        let found = locations(&path, document, steps)?;
        if found.is_empty() {
            let created = create_member(document, &path, self.value.root(), (&limit.limits(), steps))?;
            return Ok(matches!(created, Edited::Changed(true)));
        }
        let offsets = outermost(document, &found);
        steps.spend_on_edit(document)?;
        *document = replace(document, &offsets, self.value.encoded(), &limit.limits())?;
        Ok(true)
    }
}
