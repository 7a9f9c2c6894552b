//! `DEL key ...`, `UNLINK key ...`: takes keys away; how many there were.

use serde::{Deserialize, Serialize};

use crate::command::{Alias, Args, Command, Context, Flags, Group, KeySpec, Spec, Usage, Write};
use crate::error::CommandError;
use crate::keyspace::{Key, Scope, Writer};
use crate::resp::Reply;

#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub struct Del {
    keys: Vec<Key>,
}

impl Command for Del {
    const SPEC: Spec = Spec {
        name: "DEL",
        aliases: &[Alias {
            name: "UNLINK",
            since: "4.0.0",
            complexity: "O(1) for each key, and O(N) with N what it holds",
            fast: true,
        }],
        arity: -2,
        keys: KeySpec::ALL.used(Usage::REMOVED),
        group: Group::Generic,
        since: "1.0.0",
        complexity: "O(N) with N the keys, and for a collection O(M) with M its elements; a string takes O(1)",
        summary: "Takes keys away.",
        syntax: "key ...",
    };
    const FLAGS: Flags = Flags { denyoom: false, ..Flags::DEFAULT };
}

impl Write for Del {
    fn parse(args: &mut Args<'_>, _context: &Context) -> Result<Del, CommandError> {
        Ok(Del { keys: args.rest().iter().map(|word| Key::from(&word[..])).collect() })
    }

    fn scope(&self) -> Scope {
        Scope::of(self.keys.len())
    }

    fn apply(self, keyspace: &mut Writer<'_>) -> Result<Reply, CommandError> {
        let gone = self.keys.iter().filter(|key| keyspace.remove(key.as_bytes()).is_some()).count();
        Ok(Reply::Integer(gone as i64))
    }
}
