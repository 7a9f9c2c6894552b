//! Transactions: commands that a connection queues and executes together.
//!
//! [`TransactionQueue`] is the state of a connection's transaction. The connection's dispatcher
//! carries out each [`Step`], because EXEC needs either a read barrier or a log entry.

pub(super) mod queue;
pub mod steps;

pub use queue::{QueuedTransaction, TransactionQueue};

/// The steps of a transaction; each command of this family names one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    Multi,
    Exec,
    Discard,
    Watch,
    Unwatch,
}
