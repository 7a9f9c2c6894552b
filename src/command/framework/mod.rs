//! What every family of commands is built from: the traits that are the routes, the row of the
//! table, the reading of arguments, and what the families see of connection, node and cluster.
//!
//! The framework names no command. It knows of [transactions](super::transactions) that they queue
//! requests, and looks up rows in the [table](super::table), which puts framework and families
//! together.

mod args;
pub(super) mod budget;
pub(super) mod bulks;
mod client_registry;
pub(super) mod docs;
pub(super) mod expiry;
mod flags;
pub mod glob;
mod inspect;
mod key_spec;
mod node;
pub(super) mod range;
pub(super) mod row;
mod seed;
mod session;
pub mod slot;
pub(super) mod subcommands;
pub(super) mod syntax;
mod topology;

use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::codes;
use super::transactions::Step;
use crate::error::CommandError;
use crate::keyspace::{Scope, View, Writer};
use crate::resp::{Protocol, Reply};

pub use args::Args;
pub use budget::{Budget, REPLY_BYTES_MAX};
pub use client_registry::{Channel, ClientRegistry, Counts, KillFilter, Tracking};
pub use flags::Flags;
pub use inspect::{CommandHistogram, Inspect, LatencyEvent, Memory, SlowRequest};
pub use key_spec::{KeySpec, Usage};
pub use node::{Buffers, ClientLine, DEFAULT_USER, Node, ReadConsistency, Running, SettingRefused};
pub use row::{Alias, Group, ReadFn, Route, Row, Spec};
pub use seed::{Rng, Seed, SeedSource};
pub use session::{Effects, Outcome, ReplyMode, Session};
pub use subcommands::Subcommand;
pub use topology::{Peer, Topology, host_and_port};

/// What every command is, whichever way it takes.
pub trait Command {
    const SPEC: Spec;
    const FLAGS: Flags = Flags::DEFAULT;
    /// Those of a command that is divided into others.
    const SUBCOMMANDS: &'static [Subcommand] = &[];
}

/// What a request brings besides its arguments.
#[derive(Clone, Copy, Debug)]
pub struct Context {
    pub protocol: Protocol,
    /// The group's time as this node knows it, in unix milliseconds; what a read judges deadlines
    /// by.
    pub now_ms: u64,
    /// The largest document that is accepted, in bytes of JSON text.
    pub document_bytes_max: usize,
    /// For a random choice. A write takes its seed in `parse`, so that every replica chooses alike.
    pub seed: SeedSource,
}

/// A command that only reads the keyspace.
pub trait Read: Command + Sized {
    fn parse(args: &mut Args<'_>, context: &Context) -> Result<Self, CommandError>;
    /// A command that names more than one key has to see them at one moment.
    fn scope(&self) -> Scope {
        Self::SPEC.keys.scope()
    }
    fn run(self, keyspace: &View<'_>) -> Result<Reply, CommandError>;
}

/// A command that changes the keyspace, on every replica alike.
pub trait Write: Command + Sized + PartialEq + Serialize + DeserializeOwned {
    /// Names the command in the log: its line in `command/codes.rs`.
    const CODE: u16 = codes::of(Self::SPEC.name);
    /// What listeners are told of a key that it changed, and of one that it took away.
    const EVENT: &'static str = Self::SPEC.name;
    const REMOVAL: &'static str = "del";
    /// Checks the request and makes it canonical. Whatever can be refused without the keyspace is
    /// refused here.
    fn parse(args: &mut Args<'_>, context: &Context) -> Result<Self, CommandError>;
    /// A command that names more than one key has to see them at one moment.
    fn scope(&self) -> Scope {
        Self::SPEC.keys.scope()
    }
    fn apply(self, keyspace: &mut Writer<'_>) -> Result<Reply, CommandError>;
}

/// A command about the connection itself.
pub trait Local: Command {
    fn run(args: &mut Args<'_>, session: &mut Session) -> Result<Reply, CommandError>;
}

/// A command about the node.
pub trait Control: Command {
    fn run(args: &mut Args<'_>, session: &mut Session, node: &dyn Node) -> Result<Reply, CommandError>;
}

/// A command that decides what becomes of its own connection.
pub trait Manage: Command {
    fn run(args: &mut Args<'_>, session: &mut Session, node: &dyn Node) -> Result<Outcome, CommandError>;
}

/// A command that has the node do something with other nodes, and waits for it.
pub trait Operate: Command + Sized {
    fn parse(args: &mut Args<'_>) -> Result<Self, CommandError>;
    /// For a command that goes by something that the connection said before.
    fn for_session(self, _session: &Session) -> Self {
        self
    }
    /// For a subcommand that only reads the keyspace: a transaction runs it at its place, instead
    /// of after everything else.
    fn reads(_words: &[Bytes]) -> Option<ReadFn> {
        None
    }
    fn run(self, node: &dyn Node) -> Running<'_>;
}

/// A step of a transaction, which is taken by whoever runs the connection's commands.
pub trait Transact: Command {
    const STEP: Step;
}
