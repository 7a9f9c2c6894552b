//! Takes away keys whose deadline has passed.
//!
//! A reader treats such a key as gone at once; the leader takes it away, through the log, so that every replica does
//! so at the same place. Nobody else ever expires a key.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::time::MissedTickBehavior;

use super::group::Group;
use crate::command::keys::delete::Reap;
use crate::command::{Context, SeedSource, Write, table};
use crate::keyspace::{Key, Keyspace};
use crate::machine::Batch;
use crate::resp::Protocol;

/// How often the leader looks for what is due: with an entry's way through the log, a key is gone within 200 ms. What
/// a look costs does not grow with the keys that are not due.
const INTERVAL: Duration = Duration::from_millis(100);

/// The keys of one entry at most: readers wait while it is applied. More follow at once.
const KEYS_MAX: usize = 1_000;

/// What the keys of an entry take together: long ones go in several.
const KEY_BYTES_MAX: usize = 1 << 20;

/// Runs beside the group.
pub async fn run(group: Group, keyspace: Arc<Keyspace>) {
    let mut interval = tokio::time::interval(INTERVAL);
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        interval.tick().await;
        while group.may_propose() {
            let due = keyspace.due(group.time().leading(), KEYS_MAX, KEY_BYTES_MAX);
            if due.is_empty() {
                break;
            }
            // What could not be taken away now is found again.
            if let Err(unavailable) = group.propose(reap(&due)).await {
                tracing::debug!(%unavailable, "expired keys stay for now");
                break;
            }
        }
    }
}

fn reap(keys: &[Key]) -> Batch {
    let row = table::by_code(Reap::CODE).expect("the table has the command");
    let words: Vec<Bytes> = keys.iter().map(|key| Bytes::copy_from_slice(key.as_bytes())).collect();
    let context =
        Context { protocol: Protocol::Resp2, now_ms: 0, document_bytes_max: 0, seed: SeedSource::Fixed(0) };
    let mut batch = Batch::new();
    batch.push(row, &words, &context).expect("any keys are arguments of the command");
    batch
}
