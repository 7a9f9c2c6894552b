//! Commands: one file and one line of [`table`] each.
//!
//! The trait that a command implements is its route, and the compiler holds it to it:
//!
//! | trait | sees | runs |
//! |---|---|---|
//! | [`Read`] | a [`View`], which has no method that changes anything | in the connection's task, after the read barrier |
//! | [`Write`] | a [`Writer`] and the entry's stamp; no clock, no socket, no random source | through the log, on every replica |
//! | [`Local`] | the connection's [`Session`] | in the connection's task |
//! | [`Control`] | the session and the [`Node`] | in the connection's task |
//! | [`Operate`] | the [`Node`], and waits for it | in the connection's task |
//! | [`Transact`] | nothing: it is a step that the connection takes | in the connection's task, or through the log |
//!
//! A write is parsed and checked where it arrives. What goes into the log is the parsed command in its canonical
//! form: documents encoded, relative times made absolute.
//!
//! Invariants:
//! * `parse` followed by the log's encoding and decoding gives an equal command;
//! * a write that answers an error has changed nothing;
//! * names and log codes in the table are unique, and a code is never given to another command.

mod admission;
mod args;
mod budget;
mod bulks;
pub mod called;
mod chance;
pub mod cluster;
pub mod connection;
mod docs;
mod element_scan;
mod expiry;
mod flags;
pub mod hashes;
mod inspect;
pub mod json;
mod key_spec;
pub mod keys;
mod limits;
pub mod lists;
mod node;
pub mod pubsub;
mod range;
mod row;
pub mod server;
mod session;
pub mod sets;
pub mod slot;
pub mod sorted_sets;
mod subcommands;
mod switchboard;
mod syntax;
pub mod table;
pub mod text;
mod topology;
pub mod transactions;
pub mod vault;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::Answer;
use crate::keyspace::{Scope, View, Writer};
use crate::resp::{Protocol, Reply};

pub use admission::admit;
pub use args::Args;
pub use budget::{Budget, REPLY_BYTES_MAX};
pub use chance::{Chance, Draw};
pub use flags::Flags;
pub use inspect::{Histogram, Inspect, LatencyEvent, Memory, SlowRequest};
pub use key_spec::{KeySpec, Usage};
pub use limits::LIMITS;
pub use node::{Buffers, ClientLine, DEFAULT_USER, Node, ReadConsistency, Running, SettingRefused};
pub use row::{Alias, Group, Route, Row, Spec};
pub use session::{ReplyMode, Session};
pub use subcommands::Subcommand;
pub use switchboard::{Channel, Counts, KillFilter, Switchboard, Tracking};
pub use topology::{Peer, Topology, host_and_port};

/// What every command is, whichever way it takes.
pub trait Command {
    const SPEC: Spec;
    const FLAGS: Flags = Flags::NONE;
    /// Those of a command that is divided into others.
    const SUBCOMMANDS: &'static [Subcommand] = &[];
}

/// What a request brings besides its arguments.
#[derive(Clone, Copy, Debug)]
pub struct Context {
    pub protocol: Protocol,
    /// The group's time as this node knows it, in unix milliseconds; what a read judges deadlines by.
    pub now_ms: u64,
    /// The largest document that is accepted, in bytes of JSON text.
    pub document_bytes_max: usize,
    /// Draws a number, for a random choice. A write draws in `parse`, so that every replica chooses the same.
    pub chance: Draw,
}

/// A command that only reads the keyspace.
pub trait Read: Command + Sized {
    fn parse(args: &mut Args<'_>, context: &Context) -> Result<Self, Answer>;
    /// A command that names more than one key has to see them at one moment.
    fn scope(&self) -> Scope {
        Self::SPEC.keys.scope()
    }
    fn run(self, keyspace: &View<'_>) -> Result<Reply, Answer>;
}

/// A command that changes the keyspace, on every replica alike.
pub trait Write: Command + Sized + PartialEq + Serialize + DeserializeOwned {
    /// Names the command in the log: never changed, never given to another.
    const CODE: u16;
    /// What listeners are told of a key that it changed, and of one that it took away.
    const EVENT: &'static str = Self::SPEC.name;
    const REMOVAL: &'static str = "del";
    /// Checks the request and makes it canonical. Whatever can be refused without the keyspace is refused here.
    fn parse(args: &mut Args<'_>, context: &Context) -> Result<Self, Answer>;
    /// A command that names more than one key has to see them at one moment.
    fn scope(&self) -> Scope {
        Self::SPEC.keys.scope()
    }
    fn apply(self, keyspace: &mut Writer<'_>) -> Result<Reply, Answer>;
}

/// A command about the connection itself.
pub trait Local: Command {
    fn run(args: &mut Args<'_>, session: &mut Session) -> Result<Reply, Answer>;
}

/// A command about the node.
pub trait Control: Command {
    fn run(args: &mut Args<'_>, session: &mut Session, node: &dyn Node) -> Result<Reply, Answer>;
}

/// A command that has the node do something with other nodes, and waits for it.
pub trait Operate: Command + Sized {
    fn parse(args: &mut Args<'_>) -> Result<Self, Answer>;
    /// For a command that goes by something that the connection said before.
    fn for_session(self, _session: &Session) -> Self {
        self
    }
    fn run(self, node: &dyn Node) -> Running<'_>;
}

/// A step of a transaction, which is taken by whoever runs the connection's commands.
pub trait Transact: Command {
    const STEP: transactions::Step;
}
