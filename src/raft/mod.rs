//! Consensus: one replica of the log and of the state that it gives. The only room that names
//! openraft.
//!
//! openraft is the algorithm: elections, replication, joint consensus. This room gives it what it
//! asks for (a log, a machine, a network, a runtime) and takes from it what a service needs and an
//! algorithm does not do. The rooms above see [`Consensus`], [`Proposer`] and plain types, so that
//! an alpha version of openraft may change its interfaces without a change outside of this
//! directory; what is on disk and between nodes has layouts of our own (`codec`).
//!
//! * [`Replica`] opens the parts in order and hands them out: `opening` reads snapshot and log,
//!   `types`, `log_store`, `state_machine`, `replication` and `runtime` with `watch` are openraft's
//!   view of the rest of the program.
//! * [`Proposer`] joins the writes that wait (`proposal_queue`) into entries, one in flight at a
//!   time.
//! * [`RaftReceiver`] answers the Raft calls of other members, as far as [`Participation`] allows
//!   and the disk has room.
//! * `snapshots`, `snapshot_transfer` and `maintenance` keep the log short: they write, send and
//!   receive snapshots, and purge what no snapshot needs. [`SnapshotStats`] tells of them.
//! * `quorum` has a leader step down that no majority answers, `members` changes who the members
//!   are, `expiry` removes keys whose deadline has passed, [`GroupTime`] is the clock that
//!   deadlines go by, `timing` its durations.
//!
//! Invariants:
//! * nothing reaches the keyspace but through the log: the machine belongs to openraft's worker,
//!   which applies committed entries in order, each once;
//! * what is acknowledged, to a client or to a leader, is on disk;
//! * every batch is answered once, and one that may be in a log is never proposed again;
//! * a node that may have lost what it acknowledged neither votes nor acknowledges.

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
mod snapshots;
mod state_machine;
mod status;
#[cfg(test)]
pub(crate) mod tests;
mod time;
mod timing;
mod types;
mod watch;

mod leader_contact;
mod limits;
pub use acknowledged::Acknowledgements;
pub use consensus::{Changes, Consensus};
pub use limits::LIMITS;
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
