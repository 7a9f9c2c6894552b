//! `LTRIM key start stop`: keeps the elements of a range alone.

use serde::{Deserialize, Serialize};

use crate::command::framework::range::Indexes;
use crate::command::{Args, Command, Context, Flags, Group, Spec, Usage, Write};
use crate::error::CommandError;
use crate::keyspace::{Collection, Edited, Key, List, Writer};
use crate::resp::Reply;

#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub struct Ltrim {
    key: Key,
    indexes: Indexes,
}

impl Command for Ltrim {
    const SPEC: Spec = Spec::of_key(
        Group::List,
        "LTRIM",
        4,
        "1.0.0",
        "O(N) with N the elements that go",
        "Keeps a range of a list alone.",
        "key start stop",
    )
    .used(Usage::TAKEN_FROM);
    const FLAGS: Flags = Flags { denyoom: false, ..Flags::DEFAULT };
}

impl Write for Ltrim {
    fn parse(args: &mut Args<'_>, _context: &Context) -> Result<Ltrim, CommandError> {
        Ok(Ltrim { key: args.key()?, indexes: Indexes::parse(args)? })
    }

    fn apply(self, keyspace: &mut Writer<'_>) -> Result<Reply, CommandError> {
        keyspace.edit_collection(self.key.as_bytes(), |list: &mut List| {
            // A change also where all is kept, as in Redis.
            list.keep(self.indexes.within(list.len()));
            Ok(Edited::Changed(()))
        })?;
        Ok(Reply::OK)
    }
}
