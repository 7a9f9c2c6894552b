//! Consensus: the only place that names openraft.

mod acknowledged;
mod codec;
mod consensus;
mod expiry;
mod log_store;
mod maintenance;
mod members;
mod opening;
mod participation;
mod proposal_queue;
mod proposer;
mod quorum;
mod receiver;
mod replica;
mod replication;
mod room;
mod runtime;
mod snapshot_status;
mod snapshot_transfer;
mod state_machine;
mod status;
#[cfg(test)]
pub(crate) mod tests;
mod time;
mod timing;
mod types;
mod watch;

pub use acknowledged::Acknowledgements;
pub use consensus::Consensus;
pub use members::{CHANGE_TIMEOUT, TAKE_OVER_TIMEOUT};
pub use participation::{Participation, Phase};
pub use proposer::{Closed, Outcome, Proposer, WRITE_TIMEOUT};
pub use receiver::RaftReceiver;
pub use replica::{GROUP, Replica, ReplicaOptions};
pub use room::DiskRoom;
pub use snapshot_status::SnapshotStats;
pub use state_machine::AppliedIndex;
pub use status::{MemberStatus, Role, Status};
pub use time::GroupTime;
pub use timing::ELECTION_TIMEOUT_MS_MAX;
