//! The part that all families of commands share.
//!
//! * The traits [`Read`], [`Write`], [`Local`], [`Control`], [`Manage`], [`Operate`] and
//!   [`Transact`] are the routes; a command implements exactly one of them.
//! * [`Row`] is a line of the table: [`Spec`], [`Flags`], [`Subcommand`]s and the functions of the
//!   route. From it, `docs` and `syntax` derive the replies of `COMMAND`.
//! * [`Args`], `expiry`, `range` and `glob` parse arguments.
//! * [`Session`], [`Node`], [`ClientRegistry`], [`Inspect`] and [`Topology`] are the interfaces to
//!   the connection, the node and the cluster. The server implements the traits and fills the
//!   structs.
//! * [`Budget`] and `bulks` limit the size of replies, and [`Seed`] makes random choices
//!   reproducible.
//!
//! Invariants:
//! * the framework does not depend on the commands of a family; it only uses the steps of
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
pub mod rights;
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
use crate::version;

pub use args::{Args, canonical_integer};
pub use budget::{Budget, REPLY_BYTES_MAX};
pub use client_registry::{Channel, ClientRegistry, Counts, KillFilter, Tracking};
pub use flags::Flags;
pub use inspect::{CommandHistogram, Inspect, LatencyEvent, Memory, Refusal, RefusedRequest, SlowRequest};
pub use key_spec::{KeySpec, Usage};
pub use node::{Buffers, ClientLine, Node, ReadConsistency, Running, SECRET_BYTES, SettingRefused};
pub use row::{Alias, Group, ReadFn, Route, Row, Spec};
pub use seed::{Rng, Seed, SeedSource};
pub use session::{Effects, Outcome, ReplyMode, Session};
pub use subcommands::Subcommand;
pub use topology::{Peer, Topology, host_and_port};

/// The metadata of a command, for every route.
pub trait Command {
    const SPEC: Spec;
    const FLAGS: Flags = Flags::DEFAULT;
    /// The subcommands of a container such as `CONFIG`.
    const SUBCOMMANDS: &'static [Subcommand] = &[];
    /// The cluster version from which the command is allowed. Before, a node of the earlier release
    /// may be a member, which could not apply it.
    const SINCE_VERSION: u32 = version::FIRST;
}

/// The data that a request depends on besides its arguments.
#[derive(Clone, Copy, Debug)]
pub struct Context {
    pub protocol: Protocol,
    /// The cluster's time as this node knows it, in Unix milliseconds. It decides for reads which
    /// keys have expired.
    pub now_ms: u64,
    /// The maximum size of a document, in bytes of JSON text.
    pub document_bytes_max: usize,
    /// The source of seeds. A write takes its seed in `parse`, so that it makes the same random
    /// choices on every replica.
    pub seed: SeedSource,
}

/// A command that only reads the keyspace.
pub trait Read: Command + Sized {
    fn parse(args: &mut Args<'_>, context: &Context) -> Result<Self, CommandError>;
    /// The keys that the command uses. A command on several keys has to see them at one moment.
    fn scope(&self) -> Scope {
        Self::SPEC.keys.scope()
    }
    fn run(self, keyspace: &View<'_>) -> Result<Reply, CommandError>;
}

/// A command that changes the keyspace, identically on every replica.
pub trait Write: Command + Sized + PartialEq + Serialize + DeserializeOwned {
    /// Identifies the command in the log; from its line in `command/codes.rs`.
    const CODE: u16 = codes::of(Self::SPEC.name);
    /// The name of the keyspace event for a key that the command changed; `REMOVAL` is the one for
    /// a key that it removed.
    const EVENT: &'static str = Self::SPEC.name;
    const REMOVAL: &'static str = "del";
    /// Checks the request and converts it to its canonical form. Every error that does not depend
    /// on the keyspace is returned here.
    fn parse(args: &mut Args<'_>, context: &Context) -> Result<Self, CommandError>;
    /// The keys that the command uses. A command on several keys has to see them at one moment.
    fn scope(&self) -> Scope {
        Self::SPEC.keys.scope()
    }
    fn apply(self, keyspace: &mut Writer<'_>) -> Result<Reply, CommandError>;
}

/// A command that uses only the connection.
pub trait Local: Command {
    fn run(args: &mut Args<'_>, session: &mut Session) -> Result<Reply, CommandError>;
}

/// A command that uses the node.
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
    /// Adopts settings of the session, if the command depends on them.
    fn for_session(self, _session: &Session) -> Self {
        self
    }
    /// The function that runs the subcommand with these words, if it only reads the keyspace. A
    /// transaction then runs the subcommand at its place in the queue, and not after the other
    /// commands.
    fn reads(_words: &[Bytes]) -> Option<ReadFn> {
        None
    }
    fn run(self, node: &dyn Node) -> Running<'_>;
}

/// A step of a transaction, which the connection's dispatcher carries out.
pub trait Transact: Command {
    const STEP: Step;
}
