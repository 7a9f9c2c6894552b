//! The command of a release to come, for tests of an upgrade: `NEXTSET key value` sets a string.
//! Only a program with the feature `next-version` has it.

use serde::{Deserialize, Serialize};

use crate::command::{Args, Command, Context, Group, Spec, Write};
use crate::error::CommandError;
use crate::keyspace::{Key, Value, Writer};
use crate::resp::Reply;
use crate::version;

#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub struct NextSet {
    key: Key,
    value: Box<[u8]>,
}

impl Command for NextSet {
    const SPEC: Spec = Spec::of_key(
        Group::String,
        "NEXTSET",
        3,
        "0.1.0",
        "O(1)",
        "Sets a string, by a command of the next cluster version.",
        "key value",
    );
    const SINCE_VERSION: u32 = version::NEWEST;
}

impl Write for NextSet {
    fn parse(args: &mut Args<'_>, _context: &Context) -> Result<NextSet, CommandError> {
        Ok(NextSet { key: args.key()?, value: args.word()?[..].into() })
    }

    fn apply(self, keyspace: &mut Writer<'_>) -> Result<Reply, CommandError> {
        keyspace.replace(self.key, Value::Text(self.value));
        Ok(Reply::OK)
    }
}
