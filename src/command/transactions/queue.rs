//! What a connection has queued, and the keys that it watches.
//!
//! Invariants:
//! * only between MULTI and EXEC, DISCARD or RESET is anything queued;
//! * a request that was refused spoils the transaction: EXEC does nothing then;
//! * what is queued is bounded by [`COMMANDS_MAX`] and [`BYTES_MAX`], what is watched by
//!   [`WATCHED_MAX`].

use bytes::Bytes;

use crate::command::table;
use crate::error::CommandError;
use crate::keyspace::Key;
use crate::resp::{Reply, Request};

/// All of them are done while everybody waits: with small commands about a tenth of a second.
pub const COMMANDS_MAX: usize = 1 << 17;
/// What all connections together may have waiting for the log; one transaction of that size fits
/// into an entry.
pub const BYTES_MAX: usize = 256 << 20;
/// What a queued command takes beside its words, about.
const COMMAND_BYTES: usize = 64;
/// Each is looked up when the transaction is done, while everybody waits.
pub const WATCHED_MAX: usize = 1 << 16;
/// What the names of watched keys take together.
pub const WATCHED_BYTES_MAX: usize = 16 << 20;

const NESTED: CommandError = CommandError::fixed("ERR MULTI calls can not be nested");
const ABORTED: CommandError =
    CommandError::fixed("EXECABORT Transaction discarded because of previous errors.");

/// The transaction of one connection.
#[derive(Debug, Default)]
pub struct TransactionQueue {
    open: bool,
    spoiled: bool,
    commands: Vec<(usize, Request)>,
    bytes: usize,
    watched: Vec<(Key, Option<u64>)>,
    watched_bytes: usize,
}

/// A transaction that is to be done.
#[derive(Debug, Default)]
pub struct QueuedTransaction {
    /// Positions in the table, and the requests.
    pub commands: Vec<(usize, Request)>,
    /// Keys with the versions that they had, `None`: the key was not there.
    pub watched: Vec<(Key, Option<u64>)>,
}

impl TransactionQueue {
    /// Whether requests are to be queued.
    pub fn is_open(&self) -> bool {
        self.open
    }

    /// How many are queued; `None` outside of a transaction.
    pub fn len(&self) -> Option<usize> {
        self.open.then_some(self.commands.len())
    }

    /// What the queued requests take, in bytes.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    pub fn is_empty(&self) -> bool {
        self.commands.is_empty()
    }

    /// Whether something that is queued has to wait while writes do.
    pub fn is_paused_with_writes(&self) -> bool {
        self.commands.iter().any(|(position, _)| table::ROWS[*position].is_paused_with_writes())
    }

    pub fn watched(&self) -> usize {
        self.watched.len()
    }

    /// A request was refused.
    pub fn spoil(&mut self) {
        self.spoiled = self.open;
    }

    pub fn begin(&mut self) -> Result<Reply, CommandError> {
        if self.open {
            return Err(NESTED);
        }
        assert!(self.commands.is_empty(), "nothing is queued outside of a transaction");
        self.open = true;
        Ok(Reply::OK)
    }

    /// Queues a request for the command at a position of the table.
    pub fn push(&mut self, position: usize, request: &Request) -> Result<Reply, CommandError> {
        assert!(self.open, "only a transaction queues");
        let bytes = request.bytes() + COMMAND_BYTES * request.words().len();
        if self.commands.len() >= COMMANDS_MAX || self.bytes + bytes > BYTES_MAX {
            self.spoil();
            return Err(CommandError::new(format!(
                "ERR a transaction holds at most {COMMANDS_MAX} commands and {BYTES_MAX} bytes"
            )));
        }
        self.bytes += bytes;
        self.commands.push((position, request.detached()));
        Ok(Reply::Simple("QUEUED"))
    }

    /// Ends the transaction because EXEC itself was refused; the answer to it.
    pub fn abort(&mut self, refused: &CommandError) -> CommandError {
        let line = refused.line();
        let reason = line.strip_prefix("ERR ").unwrap_or(line);
        *self = TransactionQueue::default();
        CommandError::new(format!("EXECABORT Transaction discarded because of: {reason}"))
    }

    pub fn discard(&mut self) -> Result<Reply, CommandError> {
        if !self.open {
            return Err(CommandError::fixed("ERR DISCARD without MULTI"));
        }
        *self = TransactionQueue::default();
        Ok(Reply::OK)
    }

    /// Ends the transaction and gives what is to be done.
    pub fn take(&mut self) -> Result<QueuedTransaction, CommandError> {
        if !self.open {
            return Err(CommandError::fixed("ERR EXEC without MULTI"));
        }
        let TransactionQueue { spoiled, commands, watched, .. } = std::mem::take(self);
        if spoiled { Err(ABORTED) } else { Ok(QueuedTransaction { commands, watched }) }
    }

    /// Whether so many more keys may be watched now.
    pub fn may_watch(&self, keys: &[Bytes]) -> Result<(), CommandError> {
        if self.open {
            return Err(CommandError::fixed("ERR WATCH inside MULTI is not allowed"));
        }
        let bytes = keys.iter().map(Bytes::len).sum::<usize>() + self.watched_bytes;
        match self.watched.len() + keys.len() > WATCHED_MAX || bytes > WATCHED_BYTES_MAX {
            true => Err(CommandError::new(format!(
                "ERR a connection watches at most {WATCHED_MAX} keys of {WATCHED_BYTES_MAX} bytes together"
            ))),
            false => Ok(()),
        }
    }

    /// Watches a key that has this version now. One that was watched before has to have both
    /// versions in the end.
    pub fn watch(&mut self, key: Key, version: Option<u64>) {
        self.watched_bytes += key.as_bytes().len();
        self.watched.push((key, version));
        assert!(
            self.watched.len() <= WATCHED_MAX && self.watched_bytes <= WATCHED_BYTES_MAX,
            "who watches has asked whether it may"
        );
    }

    pub fn unwatch(&mut self) -> Reply {
        self.watched.clear();
        self.watched_bytes = 0;
        Reply::OK
    }

    /// Forgets everything, as RESET and the end of a connection do.
    pub fn reset(&mut self) {
        *self = TransactionQueue::default();
    }
}
