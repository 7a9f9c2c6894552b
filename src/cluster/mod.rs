//! A node as a member of its cluster: routing of requests, membership, and the handle on it all.
//!
//! Consensus below knows one replica, the transport knows connections. This module joins the two:
//! any node accepts any request, and the leader executes it.
//!
//! * [`Group`] is the handle. It starts the components, connects them and holds them; none of them
//!   holds it.
//! * `router` brings a write to the leader, which `leader` finds, and makes a read as fresh as
//!   requested. `read_index` coalesces concurrent read-index requests.
//! * `rpc_service` answers other nodes: it passes Raft's calls to consensus and the rest to the
//!   components here.
//! * `bootstrap` decides whether the cluster of a node with an empty log is new, and whether the
//!   node lost its disk; `standings` collects what the other nodes know, `verdict` judges it.
//!   `copies` finds out whether another process runs on a copy of the directory, and `joining`
//!   answers for a node that has no group yet. `membership` adds, promotes and removes nodes and
//!   hands leadership over.
//! * `pubsub_relay` carries clients' messages to the other nodes, outside of the log.
//! * `tasks` runs the background tasks, and ends them with the group.
//!
//! Invariants:
//! * a write that may have reached a log is never retried: its outcome is reported, or it is
//!   uncertain;
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
mod verdict;

pub use bootstrap::Bootstrap;
pub use group::{Group, Options};
pub use joining::answer_while_joining;
pub use limits::LIMITS;
pub use pubsub_relay::PubSubSink;
