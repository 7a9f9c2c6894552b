//! Consensus: the only place that names openraft.

pub(crate) mod acknowledged;
pub(crate) mod codec;
pub(crate) mod expiry;
pub(crate) mod log_store;
pub(crate) mod maintenance;
pub(crate) mod opening;
pub(crate) mod proposer;
pub(crate) mod quorum;
pub(crate) mod replication;
pub(crate) mod room;
mod runtime;
pub(crate) mod snapshot_status;
pub(crate) mod snapshot_transfer;
pub(crate) mod state_machine;
pub(crate) mod status;
#[cfg(test)]
mod tests;
pub(crate) mod time;
pub(crate) mod types;
mod watch;

pub use snapshot_status::SnapshotStats;
pub use status::{MemberStatus, Role, Status};
