//! Transactions: commands that a connection queues and executes together.
//!
//! [`TransactionQueue`] is the state of a connection's transaction. The connection's dispatcher
//! carries out each [`Step`], because EXEC needs the barrier of reads or the way through the log.

pub(super) mod queue;
pub mod steps;

pub use queue::{QueuedTransaction, TransactionQueue};

/// The steps of a transaction, one for each command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    Multi,
    Exec,
    Discard,
    Watch,
    Unwatch,
}
