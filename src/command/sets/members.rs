//! `SMEMBERS key`: every member of a set.

use crate::command::framework::bulks::bulks;
use crate::command::{Args, Command, Context, Group, Read, Spec};
use crate::error::CommandError;
use crate::keyspace::{Key, Set, View};
use crate::resp::Reply;

pub struct Smembers {
    key: Key,
}

impl Command for Smembers {
    const SPEC: Spec = Spec::of_key(
        Group::Set,
        "SMEMBERS",
        2,
        "1.0.0",
        "O(N) with N the members",
        "Every member of a set.",
        "key",
    );
}

impl Read for Smembers {
    fn parse(args: &mut Args<'_>, _context: &Context) -> Result<Smembers, CommandError> {
        Ok(Smembers { key: args.key()? })
    }

    fn run(self, keyspace: &View<'_>) -> Result<Reply, CommandError> {
        let members = keyspace.with_collection(self.key.as_bytes(), |set: &Set| bulks(set.iter()))?;
        members.unwrap_or(Ok(Vec::new())).map(Reply::Set)
    }
}
