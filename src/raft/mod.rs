//! Consensus: the only place that names openraft.
//!
//! | file | what it does |
//! |---|---|
//! | [`group`](self) | starts a node's part in a Raft group and is the handle on it |
//! | `proposer` | gathers writes into entries |
//! | `log_store` | the log on disk, as openraft sees it |
//! | `state_machine` | the machine, as openraft sees it; snapshots |
//! | `maintenance` | when to take a snapshot and to purge the log |
//! | `convert` | openraft's types to bytes and back |
//! | `network` | messages to other members |
//! | `status` | what the node says of its group |

mod convert;
mod group;
mod log_store;
mod maintenance;
mod network;
mod proposer;
mod state_machine;
mod status;
#[cfg(test)]
mod tests;
mod types;

pub use group::{Group, Options};
pub use status::{State, Status};
pub use types::Member;
