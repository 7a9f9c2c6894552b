//! The deterministic part: applies the entries of the log to the keyspace.
//!
//! Nothing here reads a clock, draws a random number or does I/O, so equal logs give equal states
//! and equal replies on every replica. Time comes with the entry, as its leader's stamp.
//!
//! Invariants:
//! * entries are applied in the order of the log, each once: an index follows the one before;
//! * time never goes back: an entry's is its stamp, or the time of the entry before it where that
//!   is later;
//! * an entry gives one reply for each command in it;
//! * what an entry changed is told before its replies are given;
//! * the paths of an entry's writes take their steps from one budget, those of its reads from
//!   another: a write is refused or done alike whether the reads before it were skipped;
//! * an entry that cannot be decoded is an error of the node (it was checked against its checksum),
//!   never an answer.

mod batch;
mod snapshot;
mod transaction;

use std::sync::Arc;

use crate::command::{REPLY_BYTES_MAX, Route, table};
use crate::error::Unavailable;
use crate::json::path::StepBudget;
use crate::keyspace::{ApplyContext, Capture, Keyspace};
use crate::resp::Reply;

pub use batch::{Batch, BatchReader, ENTRY_BYTES_MAX, LIMITS, Malformed};
pub use snapshot::{Restore, write_head, write_record};
pub use transaction::Transaction;

/// A reply that is not larger is kept whatever the others of its entry take: it may be of another
/// client.
const SMALL_REPLY_BYTES: usize = 1 << 10;

/// The steps that the paths of one entry may take.
///
/// Two, because a replica without an audience skips the reads: what they take must not decide
/// whether a write is refused.
#[derive(Default)]
struct Budgets {
    writes: StepBudget,
    reads: StepBudget,
}

/// Whether somebody waits for the replies of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Audience {
    Waiting,
    /// The entry is another node's, or was done before a restart.
    Nobody,
}

/// The state of one Raft group, and how far the log has been applied to it.
pub struct Machine {
    keyspace: Arc<Keyspace>,
    /// The index of the last entry applied; the first entry of a log has index 0.
    applied: Option<u64>,
}

/// Keeps a reply while all of an entry's together are no more than one may be. Of a write beyond
/// that only so much is told, that it was done or not: its client has to look.
fn keep(replies: &mut Vec<Reply>, left: &mut usize, reply: Reply) {
    let bytes = reply.bytes();
    replies.push(match left.checked_sub(bytes) {
        Some(rest) => {
            *left = rest;
            reply
        }
        None if bytes <= SMALL_REPLY_BYTES => reply,
        None => Reply::Unavailable(Unavailable::Uncertain),
    });
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
    /// With nobody to answer the state comes out the same, and nothing is worked out that only the
    /// replies would have had.
    ///
    /// # Errors
    /// When the batch is not one that this version can read. Nothing of it has been applied then,
    /// unless a command in its middle was of the wrong form.
    ///
    /// # Panics
    /// If `index` does not follow the last: consensus broke its promise.
    pub fn apply(
        &mut self,
        index: u64,
        batch: Option<&[u8]>,
        audience: Audience,
    ) -> Result<Vec<Reply>, Malformed> {
        let follows = self.applied.is_none_or(|applied| index > applied);
        assert!(follows, "entry {index} after {:?}: each is applied once, in order", self.applied);
        self.applied = Some(index);
        let Some(bytes) = batch else { return Ok(Vec::new()) };
        let reader = BatchReader::new(bytes)?;
        // A leader that started with a clock that is behind may stamp an entry before those that it
        // has not applied yet: no time passes then, on every replica alike.
        let context = ApplyContext { index, now_ms: self.keyspace.advance_time(reader.now_ms()) };
        let mut replies = Vec::with_capacity(reader.len());
        let mut left = REPLY_BYTES_MAX;
        let keyspace = self.keyspace.clone();
        let budgets = Budgets::default();
        let _entry = keyspace.begin_entry(audience == Audience::Waiting);
        for command in reader {
            let (code, body) = command?;
            if code == transaction::CODE {
                keep(
                    &mut replies,
                    &mut left,
                    Transaction::apply(body, &keyspace, context, (audience, &budgets))?,
                );
                continue;
            }
            let Some(row) = table::by_code(code) else {
                return Err(Malformed { reason: "a command that this version does not know" });
            };
            let Route::Write { apply, .. } = row.route else {
                return Err(Malformed { reason: "a command that does not write" });
            };
            let reply = apply(body, keyspace.each().within(budgets.writes.next_command()), context);
            let reply = reply.ok_or(Malformed { reason: "a command's arguments do not decode" })?;
            keep(&mut replies, &mut left, reply);
        }
        // Before anybody is answered, and before anybody who cares for the order can read what it
        // left.
        keyspace.change_stream().hand_out(index);
        Ok(replies)
    }

    /// Begins to save the state as it is after the last applied entry; `None` while another capture
    /// runs.
    pub fn capture(&self) -> Option<Capture> {
        self.keyspace.begin_capture()
    }

    /// Begins anew from a snapshot of the state after entry `applied`, whose records the keyspace
    /// now holds.
    pub fn restored(&mut self, applied: Option<u64>) {
        assert!(applied >= self.applied, "a snapshot never takes the state back");
        self.applied = applied;
    }
}
