//! Consensus: the only place that names openraft.
//!
//! | file | what it does |
//! |---|---|
//! | `group` | starts a node's part in a Raft group and is the handle on it |
//! | `opening` | what a start reads from the disk before consensus begins |
//! | `bootstrap` | whether the cluster is new, and whether this node still has what it had |
//! | `quorum` | who answers the leader, and a leader that no majority answers |
//! | `route` | a client's writes and reads: done here or by the leader |
//! | `time` | what time it is for the group |
//! | `expiry` | takes away what has expired, on the leader |
//! | `room` | whether the disk has room for what the leader sends |
//! | `rounds` | one question to the group for all reads that wait |
//! | `proposer` | gathers writes into entries |
//! | `membership` | nodes that join and leave, and the hand-over of leadership |
//! | `answer` | what this node answers to others |
//! | `notices` | messages of clients to clients of other nodes |
//! | `net` | connections between nodes, and what is said on them |
//! | `log_store` | the log on disk, as openraft sees it |
//! | `state_machine` | the machine, as openraft sees it; snapshots |
//! | `saving` | what is known of the snapshots taken here |
//! | `maintenance` | when to take a snapshot and to purge the log |
//! | `convert` | openraft's types to bytes and back |
//! | `status` | what the node says of its group |
//! | `runtime`, `watch` | what openraft runs on, with chance taken out |

mod answer;
mod bootstrap;
mod convert;
mod expiry;
#[cfg(test)]
mod failure_tests;
mod group;
mod limits;
mod log_store;
mod maintenance;
mod membership;
mod net;
mod notices;
mod opening;
mod proposer;
#[cfg(test)]
mod proposer_tests;
mod quorum;
mod room;
mod rounds;
mod route;
mod runtime;
mod saving;
mod state_machine;
mod status;
#[cfg(test)]
mod tests;
mod time;
mod types;
mod watch;

pub use bootstrap::Phase;
pub use group::{Founding, Group, Options};
pub use limits::LIMITS;
pub use net::{Change, ChangeRefused};
pub use notices::{Inbox, Notice};
pub use proposer::Done;
pub use saving::Saves;
pub use status::{MemberStatus, State, Status};
pub use types::Member;
