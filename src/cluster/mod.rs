//! A node as a member of its cluster: routing of requests, membership, and the handle on a running
//! node.
//!
//! Consensus handles one replica, and the transport handles connections. This module combines the
//! two. Any node accepts any request: a write goes to the leader, and a read waits until the node's
//! own state is recent enough.
//!
//! * [`Group`] is the handle. It creates the components, connects them and owns them.
//! * `router` passes a write to the leader, which `leader` finds, and delays a read until this
//!   node's state is as recent as requested. `read_index` coalesces concurrent read-index requests.
//! * `rpc_service` answers other nodes: it passes Raft's calls to consensus and other requests to
//!   the components of this module.
//! * `bootstrap` decides whether the cluster of a node with an empty log is new, and whether the
//!   node lost its disk; `standings` collects the other nodes' reports, and `verdict` evaluates
//!   them. `copies` finds out whether another process runs on a copy of the directory, and
//!   `joining` answers other nodes while this node has no group yet. `membership` adds, promotes
//!   and removes nodes and hands leadership over. `upgrade` raises the cluster version.
//! * `pubsub_relay` carries clients' messages to the other nodes, outside of the log.
//! * `tasks` runs the group's background tasks and ends them.
//!
//! Invariants:
//! * a write that may have reached a log is never retried: its outcome is either known, or reported
//!   as uncertain;
//! * a linearizable read sees every write that was acknowledged anywhere before the read arrived;
//! * a request that another node forwards is served here or declined, never forwarded again;
//! * a cluster is formed once, and one change of its members is in progress at a time;
//! * after [`Group::shutdown`] no task of the group runs, and dropping the last handle frees
//!   everything.

mod bootstrap;
mod copies;
mod group;
mod joining;
mod leader;
mod limits;
mod membership;
mod pubsub_relay;
mod read_index;
mod router;
mod rpc_service;
mod standings;
mod tasks;
#[cfg(test)]
mod tests;
mod upgrade;
mod verdict;

pub use bootstrap::Bootstrap;
pub use group::{Group, Options};
pub use joining::answer_while_joining;
pub use limits::LIMITS;
pub use pubsub_relay::PubSubSink;
pub use upgrade::VersionReport;
