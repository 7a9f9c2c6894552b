//! `JSON.CLEAR key [path]`: empties the containers at a path and sets the numbers to 0; how many it changed.

use serde::{Deserialize, Serialize};

use super::errors::BAD_OBJECT;
use super::target::{Target, locations, outermost};
use crate::command::{Args, Command, Context, Flags, Group, KeySpec, Spec, Write};
use crate::error::CommandError;
use crate::json::edit::clear;
use crate::json::{Document, Location, Number, ParseLimits, Value, is_packed};
use crate::keyspace::{Edited, Key, Writer};
use crate::resp::Reply;

#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub struct Clear {
    key: Key,
    path: Target,
}

impl Command for Clear {
    const SPEC: Spec = Spec {
        name: "JSON.CLEAR",
        aliases: &[],
        arity: -2,
        keys: KeySpec::FIRST,
        group: Group::Json,
        since: "2.0.0",
        complexity: "O(N) with N the size of the document",
        summary: "Empties the containers at a path and sets the numbers to 0.",
        syntax: "key [path]",
    };
    const FLAGS: Flags = Flags { denyoom: false, ..Flags::DEFAULT };
}

impl Write for Clear {
    fn parse(args: &mut Args<'_>, _context: &Context) -> Result<Clear, CommandError> {
        let (key, path) = (args.key()?, Target::or_legacy_root(args)?);
        if args.is_empty() { Ok(Clear { key, path }) } else { Err(args.wrong_arity()) }
    }

    fn apply(self, keyspace: &mut Writer<'_>) -> Result<Reply, CommandError> {
        let path = self.path.path()?;
        let count = keyspace.edit_document(self.key.as_bytes(), |document| {
            let mut found = locations(&path, document)?;
            found.retain(|location| is_filled(location.value(document)));
            if found.is_empty() {
                return Ok(Edited::Unchanged(0));
            }
            if found.iter().any(|location| is_packed_number(document, location)) {
                return Err(BAD_OBJECT);
            }
            // What lies within another match is gone with it.
            let offsets = outermost(document, &found);
            let limits = ParseLimits { document_bytes_max: usize::MAX };
            let count = found.iter().filter(|location| offsets.binary_search(&location.at).is_ok()).count();
            *document = clear(document, &offsets, &limits)?;
            Ok(Edited::Changed(count))
        })?;
        Ok(Reply::Integer(count.ok_or(CommandError::NO_KEY)? as i64))
    }
}

/// Whether there is something to clear.
fn is_filled(value: Value<'_>) -> bool {
    match Number::of(value) {
        Some(number) => number.as_f64() != 0.0,
        None => value.kind().is_container() && !value.payload().is_empty(),
    }
}

fn is_packed_number(document: &Document, location: &Location) -> bool {
    location.parent.is_some_and(|parent| is_packed(Value::at(document.encoded(), parent)))
}
