//! Gives back the memory of keys whose deadline has passed.
//!
//! A reader treats such a key as gone at once; the leader takes it away, through the log, so that every replica does
//! so at the same place. Nobody else ever expires a key.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::shared::Shared;
use super::stats::add;
use crate::command::keys::reap::Reap;
use crate::command::{Context, Draw, Node, Write, table};
use crate::keyspace::Key;
use crate::machine::Batch;
use crate::resp::{Protocol, Reply};

/// With the number of parts below, every key is looked at about every six seconds.
const INTERVAL: Duration = Duration::from_millis(100);
const PARTS_PER_TURN: usize = 16;
/// A turn proposes about so many keys at most; the next turn goes on where it stopped.
const KEYS_PER_TURN: usize = 10_000;

/// Runs as long as the node.
pub async fn run(shared: Arc<Shared>) {
    let mut interval = tokio::time::interval(INTERVAL);
    interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut part = 0;
    loop {
        interval.tick().await;
        if shared.keyspace.deadlines() == 0 || !shared.is_leader() {
            continue;
        }
        let (keys, next) =
            shared.keyspace.expired(part, PARTS_PER_TURN, KEYS_PER_TURN, shared.clock.now_ms());
        part = next;
        if !keys.is_empty() {
            // What could not be taken away now is found again.
            match shared.group.propose(reap(&keys, shared.clock.now_ms())).await {
                Ok(done) => add(&shared.stats.keys_expired, done.replies.iter().map(gone).sum()),
                Err(unavailable) => tracing::debug!(%unavailable, "expired keys stay for now"),
            }
        }
    }
}

/// How many keys the command took away: some were set anew meanwhile.
fn gone(reply: &Reply) -> u64 {
    match reply {
        Reply::Integer(count) => u64::try_from(*count).unwrap_or(0),
        _ => 0,
    }
}

fn reap(keys: &[Key], now_ms: u64) -> Batch {
    let row = table::by_code(Reap::CODE).expect("the table has the command");
    let words: Vec<Bytes> = keys.iter().map(|key| Bytes::copy_from_slice(key.as_bytes())).collect();
    let context =
        Context { protocol: Protocol::Resp2, now_ms, document_bytes_max: 0, chance: Draw::Drawn(0) };
    let mut batch = Batch::new();
    batch.push(row, &words, &context).expect("any keys are arguments of the command");
    batch
}
