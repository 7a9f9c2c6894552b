//! Transactions: commands that a connection queues and has done together.
//!
//! [`TransactionQueue`] is what a connection has between MULTI and EXEC. What becomes of it is
//! decided by whoever runs the connection's commands: that is what [`Step`] names.

pub mod discard;
pub mod exec;
pub mod multi;
pub(super) mod queue;
pub mod unwatch;
pub mod watch;

pub use queue::{QueuedTransaction, TransactionQueue};

/// The steps of a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    Multi,
    Exec,
    Discard,
    Watch,
    Unwatch,
}
