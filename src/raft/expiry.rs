//! Removes keys whose deadline has passed.
//!
//! Reads treat such a key as absent from its deadline on. The leader removes it through the log, so
//! that every replica removes it at the same index. A write that finds such a key first treats it
//! as absent, on every replica alike.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::time::{sleep, timeout};

use super::consensus::{Consensus, Leads, Standing};
use super::participation::Participation;
use super::proposer::Proposer;
use super::state_machine::AppliedIndex;
use super::time::GroupTime;
use crate::command::Write;
use crate::command::keys::delete::Reap;
use crate::keyspace::{Key, Keyspace};
use crate::machine::Batch;

/// Shortest time between two searches for expired keys. Including the commit of the entry, a key is
/// removed within 200 ms. The cost of a search does not grow with the keys that are not due.
const INTERVAL: Duration = Duration::from_millis(100);

/// Maximum number of keys in one entry, because reads wait while it is applied. Further keys follow
/// at once in the next entry.
const KEYS_MAX: usize = 1_000;

/// Maximum total size of the keys in one entry; more keys go into further entries.
const KEY_BYTES_MAX: usize = 1 << 20;

/// What the search for expired keys needs.
pub struct Expiry {
    pub consensus: Consensus,
    pub proposer: Proposer,
    pub participation: Arc<Participation>,
    pub applied: AppliedIndex,
    pub time: Arc<GroupTime>,
    pub keyspace: Arc<Keyspace>,
}

impl Expiry {
    /// Proposes the removal of expired keys, for as long as it is polled.
    pub async fn run(self) {
        let mut standing = self.consensus.standing();
        loop {
            self.remove_due().await;
            sleep(INTERVAL).await;
            self.wait(&mut standing).await;
        }
    }

    fn may_remove(&self) -> bool {
        self.proposer.may_propose() && self.participation.check_open().is_ok()
    }

    async fn remove_due(&self) {
        while self.may_remove() {
            let due = self.keyspace.due(self.time.leading(), KEYS_MAX, KEY_BYTES_MAX);
            if due.is_empty() {
                return;
            }
            // After a failed proposal, the next search finds the same keys again.
            if let Err((refused, _)) = self.proposer.write(reap(&due)).await {
                tracing::debug!(?refused, "could not remove expired keys; the next search retries");
                return;
            }
        }
    }

    /// Waits until a key may be due: the next known deadline passes, an entry is applied, which may
    /// have brought an earlier deadline, or this node begins to lead.
    async fn wait(&self, standing: &mut Standing) {
        if standing.leads() == Leads::No {
            return standing.changed().await;
        }
        // No change signals the end of a hand-over or of loading. Both are short, so a leader asks
        // again after an interval.
        if !self.may_remove() {
            return;
        }
        // Read before the deadlines, so that an entry applied in between ends the wait.
        let next = self.applied.get().map_or(0, |applied| applied + 1);
        let applied = self.applied.reached(Some(next));
        match self.keyspace.next_deadline() {
            None => applied.await,
            Some(deadline_ms) => {
                let left = Duration::from_millis(deadline_ms.saturating_sub(self.time.leading()));
                let _ = timeout(left, applied).await;
            }
        }
    }
}

fn reap(keys: &[Key]) -> Batch {
    let words: Vec<Bytes> = keys.iter().map(|key| Bytes::copy_from_slice(key.as_bytes())).collect();
    Batch::internal(Reap::CODE, &words).expect("REAP accepts any keys")
}
