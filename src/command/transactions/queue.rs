//! The queued commands and the watched keys of a connection.
//!
//! Invariants:
//! * commands are queued only between MULTI and EXEC, DISCARD or RESET;
//! * after a refused request, EXEC executes nothing and replies with an error;
//! * the queue is limited by [`COMMANDS_MAX`] and [`BYTES_MAX`], and the watched keys by
//!   [`WATCHED_MAX`] and [`WATCHED_BYTES_MAX`].

use bytes::Bytes;

use crate::command::table;
use crate::error::CommandError;
use crate::keyspace::Key;
use crate::resp::{Reply, Request};

/// Maximum number of commands in a transaction. A transaction blocks all other commands while it
/// runs; with this number of small commands, for about a tenth of a second.
pub const COMMANDS_MAX: usize = 1 << 17;
/// Maximum size of a transaction. All writes that wait for the log have the same limit together,
/// and a transaction of this size fits into an entry.
pub const BYTES_MAX: usize = 256 << 20;
/// Approximate memory overhead of a word of a queued command, in bytes.
const COMMAND_BYTES: usize = 64;
/// Maximum number of watched keys. EXEC looks up each of them, and blocks all other commands
/// meanwhile.
pub const WATCHED_MAX: usize = 1 << 16;
/// Maximum total size of the names of watched keys.
pub const WATCHED_BYTES_MAX: usize = 16 << 20;

const NESTED: CommandError = CommandError::fixed("ERR MULTI calls can not be nested");
const ABORTED: CommandError =
    CommandError::fixed("EXECABORT Transaction discarded because of previous errors.");

/// The state of one connection's transaction.
#[derive(Debug, Default)]
pub struct TransactionQueue {
    open: bool,
    spoiled: bool,
    commands: Vec<(usize, Request)>,
    bytes: usize,
    watched: Vec<(Key, Option<u64>)>,
    watched_bytes: usize,
}

/// A transaction that is ready to be executed.
#[derive(Debug, Default)]
pub struct QueuedTransaction {
    /// The queued requests, each with the position of its command in the table.
    pub commands: Vec<(usize, Request)>,
    /// The watched keys, each with its version when it was watched; `None` if the key did not
    /// exist.
    pub watched: Vec<(Key, Option<u64>)>,
}

impl TransactionQueue {
    /// Whether requests are being queued.
    pub fn is_open(&self) -> bool {
        self.open
    }

    /// The number of queued requests; `None` outside of a transaction.
    pub fn len(&self) -> Option<usize> {
        self.open.then_some(self.commands.len())
    }

    /// The memory of the queued requests in bytes.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    pub fn is_empty(&self) -> bool {
        self.commands.is_empty()
    }

    /// Whether one of the queued commands is held back while writes are paused.
    pub fn is_paused_with_writes(&self) -> bool {
        self.commands.iter().any(|(position, _)| table::ROWS[*position].is_paused_with_writes())
    }

    pub fn watched(&self) -> usize {
        self.watched.len()
    }

    /// Makes EXEC fail because a request of the transaction was refused. Has no effect outside of a
    /// transaction.
    pub fn spoil(&mut self) {
        self.spoiled = self.open;
    }

    pub fn begin(&mut self) -> Result<Reply, CommandError> {
        if self.open {
            return Err(NESTED);
        }
        assert!(self.commands.is_empty(), "commands are queued only inside of a transaction");
        self.open = true;
        Ok(Reply::OK)
    }

    /// Queues a request. `position` is that of its command in the table.
    pub fn push(&mut self, position: usize, request: &Request) -> Result<Reply, CommandError> {
        assert!(self.open, "commands are queued only inside of a transaction");
        let bytes = request.bytes() + COMMAND_BYTES * request.words().len();
        if self.commands.len() >= COMMANDS_MAX || self.bytes + bytes > BYTES_MAX {
            self.spoil();
            return Err(CommandError::new(format!(
                "ERR a transaction can have at most {COMMANDS_MAX} commands and {BYTES_MAX} bytes"
            )));
        }
        self.bytes += bytes;
        self.commands.push((position, request.detached()));
        Ok(Reply::Simple("QUEUED"))
    }

    /// Ends the transaction because EXEC itself was refused, and returns the error for the reply to
    /// EXEC.
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

    /// Ends the transaction and returns it.
    pub fn take(&mut self) -> Result<QueuedTransaction, CommandError> {
        if !self.open {
            return Err(CommandError::fixed("ERR EXEC without MULTI"));
        }
        let TransactionQueue { spoiled, commands, watched, .. } = std::mem::take(self);
        if spoiled { Err(ABORTED) } else { Ok(QueuedTransaction { commands, watched }) }
    }

    /// Checks that these keys may be watched now.
    pub fn may_watch(&self, keys: &[Bytes]) -> Result<(), CommandError> {
        if self.open {
            return Err(CommandError::fixed("ERR WATCH inside MULTI is not allowed"));
        }
        let bytes = keys.iter().map(Bytes::len).sum::<usize>() + self.watched_bytes;
        match self.watched.len() + keys.len() > WATCHED_MAX || bytes > WATCHED_BYTES_MAX {
            true => Err(CommandError::new(format!(
                "ERR a connection can watch at most {WATCHED_MAX} keys with {WATCHED_BYTES_MAX} bytes in total"
            ))),
            false => Ok(()),
        }
    }

    /// Watches a key at its present version. If a key is watched twice, both versions must be
    /// unchanged at EXEC.
    pub fn watch(&mut self, key: Key, version: Option<u64>) {
        self.watched_bytes += key.as_bytes().len();
        self.watched.push((key, version));
        assert!(
            self.watched.len() <= WATCHED_MAX && self.watched_bytes <= WATCHED_BYTES_MAX,
            "may_watch has allowed this key"
        );
    }

    pub fn unwatch(&mut self) -> Reply {
        self.watched.clear();
        self.watched_bytes = 0;
        Reply::OK
    }

    /// Discards the transaction and the watched keys, for RESET and at the end of a connection.
    pub fn reset(&mut self) {
        *self = TransactionQueue::default();
    }
}
