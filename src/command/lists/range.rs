//! `LRANGE key start stop`: the elements of a range.

use crate::command::framework::bulks::bulks;
use crate::command::framework::range::Indexes;
use crate::command::{Args, Command, Context, Group, Read, Spec};
use crate::error::CommandError;
use crate::keyspace::{Collection, Key, List, View};
use crate::resp::Reply;

pub struct Lrange {
    key: Key,
    indexes: Indexes,
}

impl Command for Lrange {
    const SPEC: Spec = Spec::of_key(
        Group::List,
        "LRANGE",
        4,
        "1.0.0",
        "O(S+N) with S the distance of the range from an end and N its elements",
        "The elements of a range of a list.",
        "key start stop",
    );
}

impl Read for Lrange {
    fn parse(args: &mut Args<'_>, _context: &Context) -> Result<Lrange, CommandError> {
        Ok(Lrange { key: args.key()?, indexes: Indexes::parse(args)? })
    }

    fn run(self, keyspace: &View<'_>) -> Result<Reply, CommandError> {
        let elements = keyspace.with_collection(self.key.as_bytes(), |list: &List| {
            bulks(list.range(self.indexes.within(list.len())))
        })?;
        elements.unwrap_or(Ok(Vec::new())).map(Reply::Array)
    }
}
