//! `RANDOMKEY`: some key, null where there is none.

use bytes::Bytes;

use crate::command::{Args, Command, Context, Group, KeySpec, Read, Seed, Spec};
use crate::error::CommandError;
use crate::keyspace::{SCAN_SHARDS, View};
use crate::resp::Reply;

pub struct Randomkey(Seed);

impl Command for Randomkey {
    const SPEC: Spec = Spec {
        name: "RANDOMKEY",
        aliases: &[],
        arity: 1,
        keys: KeySpec::NONE,
        group: Group::Generic,
        since: "1.0.0",
        complexity: "O(1)",
        summary: "Some key.",
        syntax: "",
    };
}

impl Read for Randomkey {
    fn parse(_args: &mut Args<'_>, context: &Context) -> Result<Randomkey, CommandError> {
        Ok(Randomkey(Seed::of(context)))
    }

    /// Begins at a part of the keyspace that chance chooses.
    fn run(self, keyspace: &View<'_>) -> Result<Reply, CommandError> {
        let mut rng = self.0.rng();
        for cursor in [rng.below(SCAN_SHARDS as usize) as u64, 0] {
            let mut found = Vec::new();
            keyspace.scan(cursor, 1, |key, _| found.push(Bytes::copy_from_slice(key.as_bytes())));
            if !found.is_empty() {
                return Ok(Reply::Bulk(found.swap_remove(rng.below(found.len()))));
            }
        }
        Ok(Reply::Null)
    }
}
