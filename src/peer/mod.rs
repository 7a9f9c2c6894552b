//! Between nodes: connections, what is said on them, and who may say it.
//!
//! | file | what it has |
//! |---|---|
//! | `frame` | frames with a length and a checksum |
//! | `wire` | the messages |
//! | `endpoint` | who this node is to others, and the handshake |
//! | `acknowledged` | what members have acknowledged to this node, and which of them have lost it |
//! | `complaints` | tells of what goes wrong often only now and then |
//! | `peer` | openraft's calls to another member, one connection for each purpose |
//! | `snapshot` | sending and receiving snapshots in chunks |
//! | `link` | many requests at a time to the leader: writes and reads that clients gave to another node |
//! | `service` | answering all of these |
//!
//! Invariants:
//! * nothing is sent to or taken from a node of another cluster, group or protocol version, or another node or another
//!   incarnation of it than the one that was meant;
//! * every call ends within a time of its own, whatever the network does;
//! * a message that cannot be read closes its connection, and harms nothing else.

mod client;
mod complaints;
mod endpoint;
mod exchange;
mod frame;
mod service;
mod wire;

pub use client::{CallError, PeerClients};
pub use endpoint::{Asker, Endpoint, Target};
pub use exchange::Exchange;
pub use frame::FRAME_BYTES_MAX;
pub use service::{Handler, serve};
pub use wire::{
    Acknowledged, Append, AskVote, Change, ChangeRefused, Done, Formed, ForwardError, Member, Offer,
    PubSubMessage, ReadPoint, Request, Response, Standing, StoredVote, WireEntry,
};
