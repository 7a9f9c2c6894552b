//! A node among others: where requests go, who the members are, and the handle on it all.
//!
//! Consensus below knows one replica, the transport knows connections. This room joins the two: any
//! node takes any request, and has it done by whoever leads.
//!
//! * [`Group`] is the handle. It starts the parts, gives each those that it needs, and holds them;
//!   none of them holds it.
//! * `router` brings a write to the leader, found by `leader`, and makes a read as fresh as asked.
//!   `read_index` coalesces what concurrent reads ask of the leader.
//! * `rpc_service` answers other nodes: it gives Raft's calls to consensus and the rest to the
//!   parts here.
//! * `bootstrap` finds out whether the cluster of a node with an empty log is new, and whether the
//!   node lost its disk, by the `standings` that nodes ask of each other and the `verdict` on them.
//!   `copies` finds out whether another process runs on a copy of the directory, and `joining`
//!   answers for a node that has no group yet. `membership` adds, promotes and removes nodes and
//!   hands leadership over.
//! * `pubsub_relay` carries clients' messages to the other nodes, beside the log.
//! * `tasks` runs what these begin, and ends it with the group.
//!
//! Invariants:
//! * a write that may have reached a log is never tried again: its outcome is told, or it is
//!   uncertain;
//! * a linearizable read sees every write that was acknowledged anywhere before the read came;
//! * a request that another node forwards is done here or declined, never forwarded again;
//! * a cluster is formed once, and one change of its members is under way at a time;
//! * after [`Group::shutdown`] nothing of the group runs, and the last handle that goes frees it.

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
