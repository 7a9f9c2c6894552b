//! The transport between nodes: connections, messages, and the check of both sides' identity.
//!
//! A connection begins with a handshake in which each side states its identity and the one that it
//! expects ([`Endpoint`]). After it, one side sends requests and the other sends responses, in
//! frames with a length and a checksum. This module carries the messages of consensus and of the
//! cluster (`wire`) without knowing their purpose: the modules above pass in a [`Handler`] that
//! answers requests, and the current members.
//!
//! * [`Exchange`] makes one call at a time on a connection of its own. Consensus has one for each
//!   purpose, so that a large append does not delay a heartbeat.
//! * [`PeerClients`] make many concurrent calls over one connection for each node: the requests of
//!   clients that another node has to serve. A [`CallError`] says whether the request was certainly
//!   not sent.
//! * [`serve`] accepts connections and answers requests; `log_throttle` limits the rate of repeated
//!   warnings.
//!
//! Invariants:
//! * nothing is sent to or taken from a node of another cluster, group or protocol version, or
//!   another node or another incarnation of it than the one that was meant;
//! * every call ends within a time of its own, whatever the network does;
//! * a message that cannot be read closes its connection, and harms nothing else;
//! * a frame that arrives takes no more memory than bytes of it have arrived, is whole within a
//!   time, and of senders that are no members one large one arrives at a time.

mod client;
mod endpoint;
mod exchange;
mod frame;
mod log_throttle;
mod service;
mod wire;

pub use client::{CallError, PeerClients};
pub use endpoint::{Caller, Endpoint, Target};
pub use exchange::Exchange;
pub use frame::{FRAME_BYTES_MAX, FRAME_TIME_MAX};
pub use log_throttle::{LogThrottle, MemberLogThrottle};
pub use service::{Handler, IDLE_MAX, SMALL_FRAME_BYTES_MAX, serve, serve_on};
pub use wire::{
    Acknowledged, Append, AskVote, Change, ChangeRefused, Done, Formed, ForwardError, Member, Offer,
    PubSubMessage, ReadPoint, Request, Response, Standing, StoredVote, WireEntry,
};
