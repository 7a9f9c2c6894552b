//! `JSON.DEL key [path]`: removes every match of a path; how many there were.

use serde::{Deserialize, Serialize};

use super::target::{Target, locations, outermost};
use crate::command::{Alias, Args, Command, Context, Flags, Group, KeySpec, Spec, Write};
use crate::error::CommandError;
use crate::json::edit::delete;
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
            complexity: "O(N) with N the size of the document",
            fast: false,
        }],
        arity: -2,
        keys: KeySpec::FIRST,
        group: Group::Json,
        since: "1.0.0",
        complexity: "O(N) with N the size of the document",
        summary: "Removes the values at a path.",
        syntax: "key [path]",
    };
    const FLAGS: Flags = Flags { denyoom: false, ..Flags::DEFAULT };
}

impl Write for Del {
    /// As RedisJSON tells it, whether the document goes or a part of it.
    const REMOVAL: &'static str = "JSON.DEL";

    fn parse(args: &mut Args<'_>, _context: &Context) -> Result<Del, CommandError> {
        Ok(Del { key: args.key()?, path: Target::or_legacy_root(args)? })
    }

    fn apply(self, keyspace: &mut Writer<'_>) -> Result<Reply, CommandError> {
        let path = self.path.path()?;
        let deleted = keyspace.edit_document(self.key.as_bytes(), |document| {
            let found = outermost(document, &locations(&path, document)?);
            if found.is_empty() {
                return Ok(Edited::Unchanged((0, false)));
            }
            match delete(document, &found) {
                Some(rest) => *document = rest,
                None => return Ok(Edited::Unchanged((1, true))),
            }
            Ok(Edited::Changed((found.len(), document.root().count() == 0)))
        })?;
        let (count, empty) = deleted.unwrap_or((0, false));
        if empty {
            // A document that nothing is left of is no document.
            keyspace.remove(self.key.as_bytes());
        }
        Ok(Reply::Integer(count as i64))
    }
}
