//! Removes keys whose deadline has passed.
//!
//! Reads treat such a key as absent from its deadline on. The leader removes it through the log, so
//! that every replica removes it at the same index; nothing else expires a key.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::time::MissedTickBehavior;

use super::participation::Participation;
use super::proposer::Proposer;
use super::time::GroupTime;
use crate::command::keys::delete::Reap;
use crate::command::{Context, SeedSource, Write, table};
use crate::keyspace::{Key, Keyspace};
use crate::machine::Batch;
use crate::resp::Protocol;

/// Interval of the search for expired keys. Including the commit of the entry, a key is removed
/// within 200 ms. The cost of a search does not grow with the keys that are not due.
const INTERVAL: Duration = Duration::from_millis(100);

/// Maximum number of keys in one entry, because reads wait while it is applied. Further keys follow
/// at once in the next entry.
const KEYS_MAX: usize = 1_000;

/// Maximum total size of the keys in one entry; more keys go into further entries.
const KEY_BYTES_MAX: usize = 1 << 20;

/// Proposes the removal of expired keys, for as long as it is polled.
pub async fn run(
    proposer: Proposer,
    participation: Arc<Participation>,
    time: Arc<GroupTime>,
    keyspace: Arc<Keyspace>,
) {
    let mut interval = tokio::time::interval(INTERVAL);
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        interval.tick().await;
        while proposer.may_propose() && participation.check_open().is_ok() {
            let due = keyspace.due(time.leading(), KEYS_MAX, KEY_BYTES_MAX);
            if due.is_empty() {
                break;
            }
            // After a failed proposal, the next search finds the same keys again.
            if let Err((refused, _)) = proposer.write(reap(&due)).await {
                tracing::debug!(?refused, "could not remove expired keys; the next search retries");
                break;
            }
        }
    }
}

fn reap(keys: &[Key]) -> Batch {
    let row = table::by_code(Reap::CODE).expect("REAP is in the command table");
    let words: Vec<Bytes> = keys.iter().map(|key| Bytes::copy_from_slice(key.as_bytes())).collect();
    let context =
        Context { protocol: Protocol::Resp2, now_ms: 0, document_bytes_max: 0, seed: SeedSource::Fixed(0) };
    let mut batch = Batch::new();
    batch.push(row, &words, &context).expect("REAP accepts any keys");
    batch
}
