//! The deterministic part: applies the entries of the log to the keyspace.
//!
//! Nothing here reads a clock, draws a random number or does I/O, so equal logs give equal states and equal
//! replies on every replica. Time comes with the entry, as its leader's stamp.
//!
//! Invariants:
//! * entries are applied in the order of the log, each once: an index follows the one before;
//! * an entry gives one reply for each command in it;
//! * an entry that cannot be decoded is an error of the node (it was checked against its checksum), never an answer.

mod batch;
mod snapshot;
mod transaction;

use std::sync::Arc;

use crate::command::{Route, table};
use crate::keyspace::{Capture, Keyspace, Stamp};
use crate::resp::Reply;

pub use batch::{Batch, BatchReader, ENTRY_BYTES_MAX, Malformed};
pub use snapshot::{Restore, write_record};
pub use transaction::Transaction;

/// The state of one Raft group, and how far the log has been applied to it.
pub struct Machine {
    keyspace: Arc<Keyspace>,
    /// The index of the last entry applied; the first entry of a log has index 0.
    applied: Option<u64>,
}

impl Machine {
    /// A machine over a keyspace that holds the state after the entry `applied`.
    pub fn new(keyspace: Arc<Keyspace>, applied: Option<u64>) -> Machine {
        Machine { keyspace, applied }
    }

    pub fn keyspace(&self) -> &Arc<Keyspace> {
        &self.keyspace
    }

    pub fn applied(&self) -> Option<u64> {
        self.applied
    }

    /// Applies one entry: the encoded batch that it carries, or nothing for an entry of Raft's own.
    ///
    /// # Errors
    /// When the batch is not one that this version can read. Nothing of it has been applied then, unless a
    /// command in its middle was of the wrong form.
    ///
    /// # Panics
    /// If `index` does not follow the last: consensus broke its promise.
    pub fn apply(&mut self, index: u64, batch: Option<&[u8]>) -> Result<Vec<Reply>, Malformed> {
        let follows = self.applied.is_none_or(|applied| index > applied);
        assert!(follows, "entry {index} after {:?}: each is applied once, in order", self.applied);
        self.applied = Some(index);
        let Some(bytes) = batch else { return Ok(Vec::new()) };
        let reader = BatchReader::new(bytes)?;
        let stamp = Stamp { index, now_ms: reader.now_ms() };
        let mut replies = Vec::with_capacity(reader.len());
        let keyspace = self.keyspace.clone();
        let _entry = keyspace.begin_entry();
        for command in reader {
            let (code, body) = command?;
            if code == transaction::CODE {
                replies.push(Transaction::apply(body, &keyspace, stamp)?);
                continue;
            }
            let Some(row) = table::by_code(code) else {
                return Err(Malformed { reason: "a command that this version does not know" });
            };
            let Route::Write { apply, .. } = row.route else {
                return Err(Malformed { reason: "a command that does not write" });
            };
            let reply = apply(body, keyspace.each(), stamp);
            replies.push(reply.ok_or(Malformed { reason: "a command's arguments do not decode" })?);
        }
        Ok(replies)
    }

    /// Begins to save the state as it is after the last applied entry; `None` while another capture runs.
    pub fn capture(&self) -> Option<Capture> {
        self.keyspace.begin_capture()
    }

    /// Begins anew from a snapshot of the state after entry `applied`, whose records the keyspace now holds.
    pub fn restored(&mut self, applied: Option<u64>) {
        assert!(applied >= self.applied, "a snapshot never takes the state back");
        self.applied = applied;
    }
}
