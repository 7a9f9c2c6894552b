//! The deterministic part: applies the entries of the log to the keyspace.
//!
//! Nothing here reads a clock, draws a random number or does I/O, so equal logs produce equal
//! states and equal replies on every replica. Time comes with the entry, as its leader's stamp.
//!
//! Invariants:
//! * entries are applied in the order of the log, each once: each index follows the previous one;
//! * time never goes back: the time of an entry is its stamp, or the time of the previous entry if
//!   that is later;
//! * an entry produces one reply for each command in it;
//! * the changes of an entry are announced before its replies are returned;
//! * the paths of an entry's writes take their steps from one budget, those of its reads from
//!   another: a write is refused or done alike whether the reads before it were skipped;
//! * an entry that cannot be decoded is an error of the node (its checksum was right), never a
//!   reply.

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

/// A reply up to this size is kept whatever the other replies of its entry take: it may be another
/// client's.
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

/// Whether a client waits for the replies of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Audience {
    Waiting,
    /// Another node proposed the entry, or it was already applied before a restart.
    None,
}

/// The state of one Raft group, and how far the log has been applied to it.
pub struct Machine {
    keyspace: Arc<Keyspace>,
    /// The index of the last entry applied; the first entry of a log has index 0.
    applied: Option<u64>,
}

/// Keeps a reply while all replies of the entry stay within the limit of one. A larger reply beyond
/// that becomes an uncertain outcome: its client has to read the result.
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

/// How many commands of an entry have their keys brought into the processor's cache at once: about
/// as many as it can wait for together, and few enough that all are still there when needed.
const TOUCHED_COMMANDS: usize = 16;

/// Brings the keys of the next commands into the processor's cache. Most commands begin with their
/// key; what the others begin with is looked up in vain, which harms nothing.
fn touch_keys(keyspace: &Keyspace, next: Result<(u16, &[u8]), Malformed>, after: BatchReader<'_>) {
    if !after.is_empty() {
        let bodies = std::iter::once(next).chain(after).flatten().take(TOUCHED_COMMANDS);
        keyspace.touch(bodies.filter_map(|(_, body)| postcard::from_bytes::<&[u8]>(body).ok()));
    }
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
    /// Without a waiting client the state is the same, but work that only affects replies is
    /// skipped.
    ///
    /// # Errors
    /// [`Malformed`] if this version cannot decode the batch. Nothing has been applied then, unless
    /// the error is in a later command.
    ///
    /// # Panics
    /// If `index` is not beyond the last applied one: consensus broke its contract.
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
        let mut reader = BatchReader::new(bytes)?;
        // A leader that started with a slow clock may stamp an entry before those that it has not
        // applied yet. In that case no time passes, on every replica alike.
        let context = ApplyContext { index, now_ms: self.keyspace.advance_time(reader.now_ms()) };
        let mut replies = Vec::with_capacity(reader.len());
        let mut left = REPLY_BYTES_MAX;
        let keyspace = self.keyspace.clone();
        let budgets = Budgets::default();
        let _entry = keyspace.begin_entry(audience == Audience::Waiting);
        let mut untouched = 0;
        while let Some(command) = reader.next() {
            if untouched == 0 {
                untouched = TOUCHED_COMMANDS;
                touch_keys(&keyspace, command, reader.clone());
            }
            untouched -= 1;
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
        // Before any client is answered, and before a read that depends on the order sees the
        // changes.
        keyspace.change_stream().hand_out(index);
        Ok(replies)
    }

    /// Starts a capture of the state after the last applied entry; `None` while another one runs.
    pub fn capture(&self) -> Option<Capture> {
        self.keyspace.begin_capture()
    }

    /// Continues from a snapshot of the state after entry `applied`, whose records the keyspace now
    /// holds.
    pub fn restored(&mut self, applied: Option<u64>) {
        assert!(applied >= self.applied, "a snapshot never takes the state back");
        self.applied = applied;
    }
}
