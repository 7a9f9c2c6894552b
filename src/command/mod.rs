//! The commands: a [`table`] with one line for each command, the [`framework`] that they share, one
//! directory for each family, and the [`codes`] that identify writes in the log.
//!
//! The commands that lists, sets, hashes and sorted sets have in common are generics in
//! [`collections`].
//!
//! The trait that a command implements is its route, and the compiler enforces it:
//!
//! | trait | has access to | runs |
//! |---|---|---|
//! | [`Read`] | a [`View`](crate::keyspace::View), which has no method that changes anything | in the connection's task, after the read barrier |
//! | [`Write`] | a [`Writer`](crate::keyspace::Writer) and the entry's context; no clock, no socket, no random source | through the log, on every replica |
//! | [`Local`] | the connection's [`Session`] | in the connection's task |
//! | [`Control`] | the session and the [`Node`] | in the connection's task |
//! | [`Manage`] | the session and the node, and returns [`Effects`] on the connection | in the connection's task |
//! | [`Operate`] | the [`Node`], and awaits it | in the connection's task |
//! | [`Transact`] | nothing: the connection's dispatcher executes its [`Step`](transactions::Step) | in the connection's task, or through the log |
//!
//! A write is parsed and checked on the node that receives it. The log holds the parsed command in
//! its canonical form: documents encoded, times absolute or relative to the time of the entry,
//! random choices reduced to a seed. Every replica applies the same form, so that all reach the
//! same state.
//!
//! Invariants:
//! * `parse` followed by the log's encoding and decoding returns an equal command;
//! * a write that returns an error has changed nothing;
//! * names and codes in the table are unique, and a code is never reused.

pub mod called;
pub mod cluster;
pub mod codes;
pub mod collections;
pub mod connection;
pub mod framework;
pub mod hashes;
pub mod json;
pub mod keys;
mod limits;
pub mod lists;
#[cfg(feature = "next-version")]
mod next_version;
pub mod pubsub;
pub mod server;
pub mod sets;
pub mod shortcuts;
pub mod sorted_sets;
pub mod strings;
pub mod table;
pub mod transactions;

pub use framework::{
    Alias, Args, Budget, Buffers, Channel, ClientLine, ClientRegistry, Command, CommandHistogram, Context,
    Control, Counts, Effects, Flags, Group, Inspect, KeySpec, KillFilter, LatencyEvent, Local, Manage,
    Memory, Node, Operate, Outcome, Peer, REPLY_BYTES_MAX, Read, ReadConsistency, ReadFn, Refusal,
    RefusedRequest, ReplyMode, Rng, Route, Row, Running, SECRET_BYTES, Seed, SeedSource, Session,
    SettingRefused, SlowRequest, Spec, Subcommand, Topology, Tracking, Transact, Usage, Write, host_and_port,
};
pub use limits::LIMITS;
