//! The transport between nodes: connections, messages, and the check of both sides' identity.
//!
//! A connection begins with a handshake: the side that connects states its own identity and the
//! identity that it expects of the other side, which checks both ([`Endpoint`]). Then one side
//! sends requests and the other sends responses, in frames with a length and a checksum. This
//! module carries the messages of consensus and of the cluster (`wire`) without knowing their
//! purpose: the modules above pass in a [`Handler`] that answers requests, and the current members.
//!
//! * [`Exchange`] makes one call at a time on a separate connection. Consensus has one for each
//!   purpose, so that a large append does not delay a heartbeat.
//! * [`PeerClients`] make many concurrent calls over one connection for each node; they carry the
//!   requests of clients that another node has to serve. A [`CallError`] says whether the request
//!   was certainly not sent.
//! * [`serve`] accepts connections and answers requests; `log_throttle` limits the rate of repeated
//!   warnings.
//!
//! Invariants:
//! * no message is exchanged with a node of another cluster or group, with a program that does not
//!   support the cluster's version, or with any other node or incarnation than the expected one.
//!   The exception is the request for a node's identity: it goes to any incarnation, and a node
//!   that is still joining answers members of any cluster;
//! * every call ends within a time limit, even if the network fails; the callers of
//!   [`PeerClients::call`] set its limit;
//! * a message that cannot be read closes its connection and has no other effect;
//! * memory for a frame is allocated only as its bytes arrive, a frame must be complete within a
//!   time limit, and of all senders that are not members only one at a time may send a large frame.

mod client;
mod endpoint;
mod exchange;
#[cfg(test)]
mod formats;
mod frame;
mod log_throttle;
mod service;
mod wire;

pub use client::{CallError, PeerClients};
pub use endpoint::{Caller, Endpoint, Incompatible, Target};
pub use exchange::Exchange;
pub use frame::{FRAME_BYTES_MAX, FRAME_TIME_MAX};
pub use log_throttle::{LogThrottle, MemberLogThrottle};
pub use service::{Handler, IDLE_MAX, SMALL_FRAME_BYTES_MAX, serve, serve_on};
pub use wire::{
    Acknowledged, Append, AskVote, Change, ChangeRefused, Done, Formed, ForwardError, Member, Offer,
    PubSubMessage, ReadPoint, Request, Response, Standing, StoredVote, WireEntry,
};
