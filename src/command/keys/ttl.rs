//! `TTL`, `PTTL`, `EXPIRETIME`, `PEXPIRETIME key`: how long a key stays, or until when; -1 for ever, -2 without a key.

use bytes::Bytes;

use crate::command::{Args, Command, Context, Flags, Group, KeySpec, Read, Spec};
use crate::error::CommandError;
use crate::keyspace::View;
use crate::resp::Reply;

macro_rules! commands {
    ($($name:ident, $word:literal, $since:literal, $complexity:literal, $summary:literal, $told:expr;)*) => { $(
        pub struct $name(Bytes);

        impl Command for $name {
            const SPEC: Spec = Spec {
                name: $word,
                aliases: &[],
                arity: 2,
                keys: KeySpec::FIRST,
                group: Group::Generic,
                since: $since,
                complexity: $complexity,
                summary: $summary,
                syntax: "key",
            };
            const FLAGS: Flags = Flags { fast: true, ..Flags::DEFAULT };
        }

        impl Read for $name {
            fn parse(args: &mut Args<'_>, _context: &Context) -> Result<$name, CommandError> {
                args.word().cloned().map($name)
            }

            fn run(self, keyspace: &View<'_>) -> Result<Reply, CommandError> {
                let told: fn(u64, u64) -> u64 = $told;
                Ok(Reply::Integer(match keyspace.deadline_ms(&self.0) {
                    None => -2,
                    Some(None) => -1,
                    Some(Some(deadline)) => told(deadline.get(), keyspace.now_ms()) as i64,
                }))
            }
        }
    )* };
}

commands! {
    Ttl, "TTL", "1.0.0", "O(1)", "How many seconds a key stays.", |deadline, now| seconds(deadline.saturating_sub(now));
    Pttl, "PTTL", "2.6.0", "O(1)", "How many milliseconds a key stays.", |deadline, now| deadline.saturating_sub(now);
    Expiretime, "EXPIRETIME", "7.0.0", "O(1)", "Until when a key stays, in unix seconds.", |deadline, _| seconds(deadline);
    Pexpiretime, "PEXPIRETIME", "7.0.0", "O(1)", "Until when a key stays, in unix milliseconds.", |deadline, _| deadline;
}

/// Rounded, as Redis rounds.
fn seconds(millis: u64) -> u64 {
    millis.saturating_add(500) / 1000
}
