//! Removal and clearing of values.
//!
//! * `JSON.DEL key [path]`: removes all matches of a path and returns their number.
//! * `JSON.CLEAR key [path]`: empties the containers and zeroes the numbers at a path, and returns
//!   how many it changed.

use serde::{Deserialize, Serialize};

use super::reply::BAD_OBJECT;
use super::target::{Target, locations, outermost};
use crate::command::{Alias, Args, Command, Context, Flags, Group, KeySpec, Spec, Write};
use crate::error::CommandError;
use crate::json::edit::{clear, delete};
use crate::json::{Document, Location, Number, ParseLimits, Value, is_packed};
use crate::keyspace::{Edited, Key, Writer};
use crate::resp::Reply;

#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub struct Del {
    key: Key,
    path: Target,
}

impl Command for Del {
    const SPEC: Spec = Spec {
        name: "JSON.DEL",
        aliases: &[Alias {
            name: "JSON.FORGET",
            since: "1.0.0",
            complexity: "O(N), N: size of the document",
            fast: false,
        }],
        arity: -2,
        keys: KeySpec::FIRST,
        group: Group::Json,
        since: "1.0.0",
        complexity: "O(N), N: size of the document",
        summary: "Removes each value at the path.",
        syntax: "key [path]",
    };
    const FLAGS: Flags = Flags { denyoom: false, ..Flags::DEFAULT };
}

impl Write for Del {
    /// RedisJSON reports this event both if the document is removed and if a part of it is.
    const REMOVAL: &'static str = "JSON.DEL";

    fn parse(args: &mut Args<'_>, _context: &Context) -> Result<Del, CommandError> {
        Ok(Del { key: args.key()?, path: Target::or_legacy_root(args)? })
    }

    fn apply(self, keyspace: &mut Writer<'_>) -> Result<Reply, CommandError> {
        let (path, steps) = (self.path.path()?, keyspace.steps());
        let deleted = keyspace.edit_document(self.key.as_bytes(), |document| {
            let found = outermost(document, &locations(&path, document, steps)?);
            if found.is_empty() {
                return Ok(Edited::Unchanged((0, false)));
            }
            steps.spend_on_edit(document)?;
            match delete(document, &found) {
                Some(rest) => *document = rest,
                None => return Ok(Edited::Unchanged((1, true))),
            }
            Ok(Edited::Changed((found.len(), document.root().count() == 0)))
        })?;
        let (count, empty) = deleted.unwrap_or((0, false));
        if empty {
            // As in RedisJSON, an empty root container is removed with its key.
            keyspace.remove(self.key.as_bytes());
        }
        Ok(Reply::Integer(count as i64))
    }
}

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
        complexity: "O(N), N: size of the document",
        summary: "Empties each container and zeroes each number at the path.",
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
        let (path, steps) = (self.path.path()?, keyspace.steps());
        let count = keyspace.edit_document(self.key.as_bytes(), |document| {
            let mut found = locations(&path, document, steps)?;
            found.retain(|location| is_filled(location.value(document)));
            if found.is_empty() {
                return Ok(Edited::Unchanged(0));
            }
            if found.iter().any(|location| is_packed_number(document, location)) {
                return Err(BAD_OBJECT);
            }
            // A match inside another match is cleared together with it.
            let offsets = outermost(document, &found);
            let limits = ParseLimits { document_bytes_max: usize::MAX };
            let count = found.iter().filter(|location| offsets.binary_search(&location.at).is_ok()).count();
            steps.spend_on_edit(document)?;
            *document = clear(document, &offsets, &limits)?;
            Ok(Edited::Changed(count))
        })?;
        Ok(Reply::Integer(count.ok_or(CommandError::NO_KEY)? as i64))
    }
}

/// Whether clearing would change the value.
fn is_filled(value: Value<'_>) -> bool {
    match Number::of(value) {
        Some(number) => number.as_f64() != 0.0,
        None => value.kind().is_container() && !value.payload().is_empty(),
    }
}

fn is_packed_number(document: &Document, location: &Location) -> bool {
    location.parent.is_some_and(|parent| is_packed(Value::at(document.encoded(), parent)))
}
