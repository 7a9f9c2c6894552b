//! The transport between nodes: connections, what is said on them, and who may say it.
//!
//! A connection begins with a handshake in which both sides say who they are and whom they mean
//! ([`Endpoint`]). After it one side sends requests and the other answers, in frames with a length
//! and a checksum. This room carries the messages of consensus and of the cluster (`wire`) and
//! knows what none of them is for: what answers them is given to it as a [`Handler`], and who the
//! members are it is told.
//!
//! * [`Exchange`] makes one call after the other on a connection of its own. Consensus has one for
//!   each purpose, so that a large append holds up no heartbeat.
//! * [`PeerClients`] make many calls at a time on one connection for each node: what clients gave
//!   to a node that does not lead. A [`CallError`] says whether the request was certainly not sent.
//! * [`serve`] accepts connections and answers; `complaints` keeps what goes wrong again and again
//!   from flooding the log.
//!
//! Invariants:
//! * nothing is sent to or taken from a node of another cluster, group or protocol version, or
//!   another node or another incarnation of it than the one that was meant;
//! * every call ends within a time of its own, whatever the network does;
//! * a message that cannot be read closes its connection, and harms nothing else;
//! * a frame that arrives takes no more memory than bytes of it have arrived, is whole within a
//!   time, and of senders that are no members one large one arrives at a time.

mod client;
mod complaints;
mod endpoint;
mod exchange;
mod frame;
mod service;
mod wire;

pub use client::{CallError, PeerClients};
pub use complaints::{Complaints, MemberComplaints};
pub use endpoint::{Asker, Endpoint, Target};
pub use exchange::Exchange;
pub use frame::{FRAME_BYTES_MAX, FRAME_TIME_MAX};
pub use service::{Handler, IDLE_MAX, SMALL_FRAME_BYTES_MAX, serve, serve_on};
pub use wire::{
    Acknowledged, Append, AskVote, Change, ChangeRefused, Done, Formed, ForwardError, Member, Offer,
    PubSubMessage, ReadPoint, Request, Response, Standing, StoredVote, WireEntry,
};
