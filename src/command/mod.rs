//! The commands: a [`table`] with one line for each, the [`framework`] that they are built from,
//! one folder for each family, and the [`codes`] under which writes stand in the log.
//!
//! What lists, sets, hashes and sorted sets have alike is written once, in [`collections`].
//!
//! The trait that a command implements is its route, and the compiler holds it to it:
//!
//! | trait | sees | runs |
//! |---|---|---|
//! | [`Read`] | a [`View`](crate::keyspace::View), which has no method that changes anything | in the connection's task, after the read barrier |
//! | [`Write`] | a [`Writer`](crate::keyspace::Writer) and the entry's stamp; no clock, no socket, no random source | through the log, on every replica |
//! | [`Local`] | the connection's [`Session`] | in the connection's task |
//! | [`Control`] | the session and the [`Node`] | in the connection's task |
//! | [`Manage`] | the session and the node, and says what is to be done with the connection | in the connection's task |
//! | [`Operate`] | the [`Node`], and waits for it | in the connection's task |
//! | [`Transact`] | nothing: it is a step that the connection takes | in the connection's task, or through the log |
//!
//! A write is parsed and checked where it arrives. What goes into the log is the parsed command in
//! its canonical form: documents encoded, relative times made absolute.
//!
//! Invariants:
//! * `parse` followed by the log's encoding and decoding gives an equal command;
//! * a write that answers an error has changed nothing;
//! * names and log codes in the table are unique, and a code is never given to another command.

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
    Control, Counts, DEFAULT_USER, Effects, Flags, Group, Inspect, KeySpec, KillFilter, LatencyEvent, Local,
    Manage, Memory, Node, Operate, Outcome, Peer, REPLY_BYTES_MAX, Read, ReadConsistency, ReadFn, ReplyMode,
    Rng, Route, Row, Running, Seed, SeedSource, Session, SettingRefused, SlowRequest, Spec, Subcommand,
    Topology, Tracking, Transact, Usage, Write, host_and_port,
};
pub use limits::LIMITS;
