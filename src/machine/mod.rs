//! The replicated state machine: applies the entries of the log to the keyspace.
//!
//! Nothing here reads a clock, draws a random number or does I/O, so equal logs produce equal
//! states and equal replies on every replica. The time is part of the entry, as its leader's stamp.
//!
//! Invariants:
//! * entries are applied in the order of the log, each once: each index is greater than the
//!   previous one;
//! * time never goes back: the time of an entry is its stamp, or the time of the previous entry if
//!   that is later;
//! * an entry produces one reply for each command in it;
//! * the changes of an entry are reported to the change stream before its replies are returned;
//! * the paths of an entry's writes and those of its reads take their steps from two separate
//!   budgets: whether a write is refused does not depend on whether a replica skipped the reads;
//! * an entry that cannot be decoded is an error of the node, never a reply, because its checksum
//!   was right;
//! * the cluster version follows from the entries alone, never falls, and is one that this program
//!   supports.

mod batch;
#[cfg(test)]
mod formats;
mod snapshot;
mod transaction;

use std::sync::Arc;

use crate::command::{REPLY_BYTES_MAX, Route, codes, table};
use crate::error::Unavailable;
use crate::json::path::StepBudget;
use crate::keyspace::{ApplyContext, Capture, Keyspace};
use crate::resp::Reply;
use crate::version::{self, Versions};

use batch::raised_version;

pub use batch::{Batch, BatchReader, ENTRY_BYTES_MAX, LIMITS, Malformed};
pub use snapshot::{Restore, write_head, write_record, write_users};
pub use transaction::Transaction;

/// A reply up to this size is kept even if the other replies of its entry have used up the limit:
/// those may belong to other clients.
const SMALL_REPLY_BYTES: usize = 1 << 10;

/// The step budgets for the paths of one entry.
///
/// Writes and reads have separate budgets, because a replica without a waiting client skips the
/// reads: their steps must not decide whether a write is refused.
#[derive(Default)]
struct Budgets {
    writes: StepBudget,
    reads: StepBudget,
}

/// Whether a client waits for the replies to an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Audience {
    Waiting,
    /// No client waits here: another node proposed the entry, or it was already applied before a
    /// restart.
    None,
}

/// The state of one Raft group, and the position in the log up to which it includes the entries.
pub struct Machine {
    keyspace: Arc<Keyspace>,
    /// The index of the last entry applied; the first entry of a log has index 0.
    applied: Option<u64>,
    /// The cluster version after that entry.
    version: u32,
    /// The versions that this program supports.
    supported: Versions,
}

/// Adds a reply to `replies`. All replies of an entry share the size limit of one reply. Beyond the
/// limit, a reply above [`SMALL_REPLY_BYTES`] becomes an uncertain outcome, so its client has to
/// read the result.
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

/// Brings the keys of the next commands into the processor's cache. It takes the first argument of
/// each command for its key. For the few commands where that is wrong the look-up is useless, and
/// harmless.
fn touch_keys(keyspace: &Keyspace, next: &Result<(u16, &[u8]), Malformed>, after: BatchReader<'_>) {
    if !after.is_empty() {
        let bodies = next.iter().copied().chain(after.flatten()).take(Keyspace::TOUCHED_AT_ONCE);
        keyspace.touch(bodies.filter_map(|(_, body)| postcard::from_bytes::<&[u8]>(body).ok()));
    }
}

impl Machine {
    /// A machine for a keyspace that holds the state after the entry `applied`.
    pub fn new(keyspace: Arc<Keyspace>, applied: Option<u64>) -> Machine {
        Machine { keyspace, applied, version: version::FIRST, supported: Versions::PROGRAM }
    }

    /// Sets the cluster version of the state, and the versions that this program supports.
    ///
    /// # Panics
    /// If the program does not support the version, which the caller checks.
    pub fn at_version(self, version: u32, supported: Versions) -> Machine {
        assert!(version <= supported.max, "version {version}, and the program supports {supported}");
        Machine { version, supported, ..self }
    }

    /// The cluster version after the last entry applied.
    pub fn version(&self) -> u32 {
        self.version
    }

    fn raise_version(&mut self, body: &[u8]) -> Result<Reply, Malformed> {
        let version = raised_version(body)?;
        if version > self.supported.max {
            let reason = format!(
                "it raises the cluster version to {version}, and this program supports {}: start a newer release",
                self.supported
            );
            return Err(Malformed { reason: reason.into() });
        }
        self.version = self.version.max(version);
        Ok(Reply::OK)
    }

    pub fn keyspace(&self) -> &Arc<Keyspace> {
        &self.keyspace
    }

    pub fn applied(&self) -> Option<u64> {
        self.applied
    }

    /// Applies one entry: its encoded batch, or nothing for an entry that belongs to Raft itself.
    /// If no client waits, work that affects only replies is skipped; the state is the same.
    ///
    /// # Errors
    /// [`Malformed`] if this version cannot decode the batch. The commands before the first
    /// malformed one have been applied then.
    ///
    /// # Panics
    /// If `index` is not greater than the last applied one, which is a fault of consensus.
    pub fn apply(
        &mut self,
        index: u64,
        batch: Option<&[u8]>,
        audience: Audience,
    ) -> Result<Vec<Reply>, Malformed> {
        let follows = self.applied.is_none_or(|applied| index > applied);
        assert!(follows, "entry {index} comes after the last applied entry, {:?}", self.applied);
        self.applied = Some(index);
        let Some(bytes) = batch else { return Ok(Vec::new()) };
        let mut reader = BatchReader::new(bytes)?;
        // A new leader with a slow clock may stamp an entry with an earlier time than entries that
        // it has not applied yet. The keyspace's time then stays the same, on every replica.
        let context = ApplyContext { index, now_ms: self.keyspace.advance_time(reader.now_ms()) };
        let mut replies = Vec::with_capacity(reader.len());
        let mut left = REPLY_BYTES_MAX;
        let keyspace = self.keyspace.clone();
        let budgets = Budgets::default();
        let _entry = keyspace.begin_entry(audience == Audience::Waiting);
        let mut untouched = 0;
        while let Some(command) = reader.next() {
            if untouched == 0 {
                untouched = Keyspace::TOUCHED_AT_ONCE;
                touch_keys(&keyspace, &command, reader.clone());
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
            if code == codes::CLUSTER_VERSION {
                keep(&mut replies, &mut left, self.raise_version(body)?);
                continue;
            }
            let Some(row) = table::by_code(code) else {
                return Err(Malformed::UNKNOWN_COMMAND);
            };
            let Route::Write { apply, .. } = row.route else {
                return Err(Malformed::new("a command that does not write"));
            };
            let reply = apply(body, keyspace.each().within(budgets.writes.next_command()), context);
            let reply = reply.ok_or(Malformed::new("a command's arguments do not decode"))?;
            keep(&mut replies, &mut left, reply);
        }
        // The changes are reported before any client gets its reply, and before the entry lock is
        // released to readers that depend on this order.
        keyspace.change_stream().hand_out(index);
        Ok(replies)
    }

    /// Starts a capture of the state after the last applied entry; `None` while another one runs.
    pub fn capture(&self) -> Option<Capture> {
        self.keyspace.begin_capture()
    }

    /// Continues from a snapshot of the state after the entry `applied`, whose records have been
    /// restored into the keyspace.
    pub fn restored(&mut self, applied: Option<u64>, version: u32) {
        assert!(applied >= self.applied, "a snapshot is never older than the state");
        assert!(version >= self.version, "the cluster version never falls");
        (self.applied, self.version) = (applied, version);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raise(machine: &mut Machine, index: u64, version: u32) -> Result<Vec<Reply>, Malformed> {
        let entry = Batch::encode([&Batch::raise_version(version)].into_iter(), 1);
        machine.apply(index, Some(&entry), Audience::Waiting)
    }

    #[test]
    fn the_cluster_version_rises_and_never_falls_and_stays_within_the_program() {
        let supported = Versions { min: 1, max: 3 };
        let mut machine = Machine::new(Arc::new(Keyspace::new()), None).at_version(1, supported);
        assert_eq!((raise(&mut machine, 0, 2), machine.version()), (Ok(vec![Reply::OK]), 2));
        assert_eq!((raise(&mut machine, 1, 1), machine.version()), (Ok(vec![Reply::OK]), 2));
        machine.restored(Some(7), 3);
        assert_eq!(machine.version(), 3);
        let told = raise(&mut machine, 8, 4).unwrap_err().to_string();
        assert!(told.contains("to 4, and this program supports versions 1 to 3: start a newer"), "{told}");
        assert_eq!(machine.version(), 3);
    }
}
