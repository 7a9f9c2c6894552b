//! `RANDOMKEY`: some key, null where there is none.

use bytes::Bytes;

use crate::command::{Args, Command, Context, Group, KeySpec, Read, Spec};
use crate::error::Answer;
use crate::keyspace::View;
use crate::resp::Reply;

/// An odd constant that spreads neighbouring times over all numbers (2^64 divided by the golden ratio).
const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;

pub struct Randomkey;

impl Command for Randomkey {
    const SPEC: Spec = Spec {
        name: "RANDOMKEY",
        aliases: &[],
        arity: 1,
        keys: KeySpec::NONE,
        group: Group::Generic,
        since: "0.1.0",
        summary: "Some key.",
        syntax: "",
    };
}

impl Read for Randomkey {
    fn parse(_args: &mut Args<'_>, _context: &Context) -> Result<Randomkey, Answer> {
        Ok(Randomkey)
    }

    /// Begins at a part of the keyspace that the time chooses: reads see no source of chance.
    fn run(self, keyspace: &View<'_>) -> Result<Reply, Answer> {
        let chance = keyspace.now_ms().wrapping_mul(SPREAD) >> 32;
        for cursor in [chance % crate::keyspace::SCAN_PARTS, 0] {
            let mut found = Vec::new();
            keyspace.scan(cursor, 1, |key, _| found.push(Bytes::copy_from_slice(key.as_bytes())));
            if !found.is_empty() {
                let nth = chance as usize % found.len();
                return Ok(Reply::Bulk(found.swap_remove(nth)));
            }
        }
        Ok(Reply::Null)
    }
}
