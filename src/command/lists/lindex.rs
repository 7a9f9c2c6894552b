//! `LINDEX key index`: the element at an index, null where there is none.

use crate::command::framework::bulks::bulk;
use crate::command::framework::range::position;
use crate::command::{Args, Command, Context, Group, Read, Spec};
use crate::error::CommandError;
use crate::keyspace::{Collection, Key, List, View};
use crate::resp::Reply;

pub struct Lindex {
    key: Key,
    index: i64,
}

impl Command for Lindex {
    const SPEC: Spec = Spec::of_key(
        Group::List,
        "LINDEX",
        3,
        "1.0.0",
        "O(N) with N the elements on the way; the first and the last take O(1)",
        "The element at an index of a list.",
        "key index",
    );
}

impl Read for Lindex {
    fn parse(args: &mut Args<'_>, _context: &Context) -> Result<Lindex, CommandError> {
        Ok(Lindex { key: args.key()?, index: args.integer()? })
    }

    fn run(self, keyspace: &View<'_>) -> Result<Reply, CommandError> {
        let element = keyspace.with_collection(self.key.as_bytes(), |list: &List| {
            bulk(position(self.index, list.len()).and_then(|position| list.get(position)))
        })?;
        Ok(element.unwrap_or(Reply::Null))
    }
}
