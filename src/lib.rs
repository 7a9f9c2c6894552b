//! JsonVault: a replicated JSON store that speaks the Redis protocol.
//!
//! Every write is an entry of a Raft log, on the disks of a majority before it is acknowledged; the
//! state in memory is the result of applying the log. A node runs alone or as a member of a
//! cluster, on the same code paths. `docs/ARCHITECTURE.md` describes the parts. In short, a write
//! takes this path:
//!
//! ```text
//! bytes -> resp::Decoder -> server::connection -> command::table
//!       -> the command's parse: checked, canonical -> machine::Batch
//!       -> cluster::router -> raft::proposer: one entry for all waiting batches
//!          (if another node leads: over peer to its proposer, and the replies back)
//!       -> raft::log_store -> storage::log: one write, one sync -> commit
//!       -> raft::state_machine -> machine::apply -> the command's apply on keyspace::Writer
//!       -> replies -> server::connection -> resp::encode -> bytes
//! ```
//!
//! A transaction is queued by `command::transactions` and takes the same path as one command
//! (`machine::Transaction`). A read stays in the connection's task: it follows the connection's
//! earlier writes and the read barrier, and runs on a [`keyspace::View`].
//!
//! | module | owns |
//! |---|---|
//! | [`random`] | a seeded random number generator; pure |
//! | [`env`] | access to clock, randomness, disk, network and threads |
//! | [`resp`] | the wire: requests, replies, limits |
//! | [`json`] | documents, paths, edits; pure |
//! | [`error`] | the three kinds of error, without conversions between them |
//! | [`limits`] | the type of a limit that clients can reach |
//! | [`acl`] | users, their rules and rights; pure |
//! | [`version`] | the versions of what nodes share |
//! | [`keyspace`] | keys with their values, deadlines and versions |
//! | [`command`] | the commands: a framework, families, one table; the trait is the route |
//! | [`config`] | the settings |
//! | [`machine`] | applying entries: deterministic, in order, each once |
//! | [`storage`] | the durable state: data directory, log, snapshots |
//! | [`peer`] | the transport between nodes |
//! | [`raft`] | consensus; the only module that names openraft |
//! | [`cluster`] | routing to the leader, read index, membership |
//! | [`server`] | connections, pub/sub, statistics, administration |
//! | [`node`] | the composition root |
//! | [`client`] | the command-line client |
//!
//! A module imports only from modules above it in this table, or from `error` and `limits`, which
//! import no other module. `storage` uses only `env` and `error`, and is used only by `peer`,
//! `raft`, `cluster` and `node`.
//!
//! A node embedded in another program:
//!
//! ```no_run
//! use jsonvault::{config::Config, error::Fatal, node::Node};
//!
//! # async fn run() -> Result<(), Fatal> {
//! let words = ["server", "--address", "127.0.0.1:0", "--dir", "/var/lib/jsonvault"];
//! let config = Config::load(words.map(Into::into))?;
//! let node = Node::start(config).await?;
//! println!("clients connect to {}", node.address());
//! node.run(std::future::pending()).await
//! # }
//! ```
pub mod acl;
pub mod client;
pub mod cluster;
pub mod command;
pub mod config;
pub mod env;
pub mod error;
pub mod json;
pub mod keyspace;
pub mod limits;
pub mod machine;
pub mod node;
pub mod peer;
pub mod raft;
pub mod random;
pub mod resp;
pub mod server;
pub mod storage;
#[cfg(feature = "testkit")]
#[doc(hidden)]
pub mod testkit;
pub mod version;
