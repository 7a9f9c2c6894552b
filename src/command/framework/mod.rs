//! The framework that all families of commands share.
//!
//! * The traits [`Read`], [`Write`], [`Local`], [`Control`], [`Manage`], [`Operate`] and
//!   [`Transact`] are the routes; a command implements exactly one of them.
//! * [`Row`] is a line of the table: [`Spec`], [`Flags`], [`Subcommand`]s and the functions of the
//!   route. `docs` and `syntax` derive the replies of `COMMAND` from it.
//! * [`Args`], `expiry`, `range` and `glob` parse arguments.
//! * [`Session`], [`Node`], [`ClientRegistry`], [`Inspect`] and [`Topology`] are the interfaces to
//!   connection, node and cluster. The server implements them.
//! * [`Budget`], `bulks` and [`Seed`] bound replies and make random choices reproducible.
//!
//! Invariants:
//! * the framework names no command of a family; it knows the steps of
//!   [transactions](super::transactions), and finds rows through the [table](super::table);
//! * nothing here reads a clock, a random source, a socket or a disk.

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

pub use args::{Args, canonical_integer};
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

/// The metadata of a command, whatever its route.
pub trait Command {
    const SPEC: Spec;
    const FLAGS: Flags = Flags::DEFAULT;
    /// The subcommands of a container such as `CONFIG`.
    const SUBCOMMANDS: &'static [Subcommand] = &[];
}

/// The context of a request besides its arguments.
#[derive(Clone, Copy, Debug)]
pub struct Context {
    pub protocol: Protocol,
    /// The cluster's time as this node knows it, in unix milliseconds. Reads judge deadlines by it.
    pub now_ms: u64,
    /// The largest document that is accepted, in bytes of JSON text.
    pub document_bytes_max: usize,
    /// The source of seeds. A write takes its seed in `parse`, so that every replica makes the same
    /// choice.
    pub seed: SeedSource,
}

/// A command that only reads the keyspace.
pub trait Read: Command + Sized {
    fn parse(args: &mut Args<'_>, context: &Context) -> Result<Self, CommandError>;
    /// A command on several keys must see them at one moment.
    fn scope(&self) -> Scope {
        Self::SPEC.keys.scope()
    }
    fn run(self, keyspace: &View<'_>) -> Result<Reply, CommandError>;
}

/// A command that changes the keyspace, identically on every replica.
pub trait Write: Command + Sized + PartialEq + Serialize + DeserializeOwned {
    /// Names the command in the log: its line in `command/codes.rs`.
    const CODE: u16 = codes::of(Self::SPEC.name);
    /// The keyspace events of a key that the command changed, and of one that it removed.
    const EVENT: &'static str = Self::SPEC.name;
    const REMOVAL: &'static str = "del";
    /// Checks the request and makes it canonical. Everything that can be refused without the
    /// keyspace is refused here.
    fn parse(args: &mut Args<'_>, context: &Context) -> Result<Self, CommandError>;
    /// A command on several keys must see them at one moment.
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

/// A command with [`Effects`] on its own connection.
pub trait Manage: Command {
    fn run(args: &mut Args<'_>, session: &mut Session, node: &dyn Node) -> Result<Outcome, CommandError>;
}

/// A command that waits for the node or for other nodes.
pub trait Operate: Command + Sized {
    fn parse(args: &mut Args<'_>) -> Result<Self, CommandError>;
    /// Takes over settings of the session, for a command that depends on them.
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

/// A step of a transaction. The connection's dispatcher carries it out.
pub trait Transact: Command {
    const STEP: Step;
}
