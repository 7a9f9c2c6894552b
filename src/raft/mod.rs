//! Consensus: one replica of the log and of the state that applying it produces. The only module
//! that names openraft.
//!
//! openraft is the algorithm: elections, replication, joint consensus. This module supplies what it
//! needs (a log, a state machine, a network, a runtime) and adds what a service needs beyond the
//! algorithm. The modules above see [`Consensus`], [`Proposer`] and plain types, so that an alpha
//! version of openraft can change its interfaces without a change outside of this directory. Data
//! on disk and on the wire has layouts of our own (`codec`).
//!
//! * [`Replica`] opens these parts in order and gives access to them: `opening` reads snapshot and
//!   log; `types`, `log_store`, `state_machine`, `replication` and `runtime` with `watch` implement
//!   openraft's interfaces.
//! * [`Proposer`] joins waiting writes (`proposal_queue`) into entries: one is in flight at a time,
//!   on a single node at most two.
//! * [`RaftReceiver`] serves the Raft calls of other members, as far as [`Participation`] allows
//!   and the disk has room.
//! * `snapshots`, `snapshot_transfer` and `maintenance` keep the log short: they write, send and
//!   receive snapshots, and purge the entries that snapshots made redundant. [`SnapshotStats`]
//!   reports on them.
//! * `quorum` makes a leader step down when no majority answers it, `members` changes the
//!   membership, `expiry` removes keys whose deadline has passed, [`GroupTime`] is the clock for
//!   deadlines, `timing` holds the durations.
//!
//! Invariants:
//! * the keyspace changes only when entries are applied or a snapshot is loaded: the machine
//!   belongs to openraft's worker, which applies committed entries in order, each once;
//! * every acknowledged entry is on disk, whether it was acknowledged to a client or to a leader;
//! * every batch is answered once, and a batch that may be in a log is never proposed again;
//! * a node that has lost what it acknowledged neither votes nor acknowledges; one that may have
//!   lost it does not vote yet ([`Participation`]).

mod acknowledged;
mod codec;
mod consensus;
mod disk_room;
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
mod runtime;
mod snapshot_status;
mod snapshot_transfer;
mod snapshots;
mod state_machine;
mod status;
mod strand;
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
pub use disk_room::DiskRoom;
pub use limits::LIMITS;
pub use members::{CHANGE_TIMEOUT, TAKE_OVER_TIMEOUT};
pub use participation::{Participation, Phase};
pub use proposer::{Closed, Outcome, Proposer, WRITE_TIMEOUT};
pub use receiver::RaftReceiver;
pub use replica::{GROUP, Replica, ReplicaOptions};
pub use snapshot_status::SnapshotStats;
pub use state_machine::AppliedIndex;
pub use status::{MemberStatus, Role, Status};
pub use time::GroupTime;
pub use timing::ELECTION_TIMEOUT_MS_MAX;
