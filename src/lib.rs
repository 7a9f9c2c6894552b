//! JsonVault: JSON documents behind the Redis protocol, replicated by Raft.
//!
//! Every write is an entry of a Raft log, on disk before it is answered; the state in memory is
//! what applying the log gives. A node is alone, or one of several that have the same log. The tour
//! is `docs/ARCHITECTURE.md`; in short, a write goes
//!
//! ```text
//! bytes -> resp::Decoder -> server::connection -> server::dispatch -> command::table
//!       -> the command's parse: checked and canonical -> machine::Batch -> raft::proposer: one entry for all who wait
//!       (or, if another node leads, over peer to that one's proposer, and its replies come back)
//!       -> raft::log_store -> storage::log: one write, one sync -> commit
//!       -> raft::state_machine -> machine::apply -> the command's apply on keyspace::Writer
//!       -> replies -> server::dispatch -> resp::encode -> bytes
//! ```
//!
//! A transaction is queued by `command::transactions` and goes the same way as one command
//! (`server::transact`, `machine::Transaction`). A read stays in the connection's task: its own
//! earlier writes, the read barrier, then the command on a [`keyspace::View`].
//!
//! | module | owns |
//! |---|---|
//! | [`random`] | a seeded generator of numbers; pure |
//! | [`env`] | the doors to clock, randomness, disk, network and threads |
//! | [`resp`] | the wire: requests, replies, limits |
//! | [`json`] | documents, paths, edits; pure |
//! | [`error`] | the three kinds of error, which no conversion joins |
//! | [`limits`] | the vocabulary of the limits that a client can meet |
//! | [`keyspace`] | keys with their values, deadlines and versions |
//! | [`command`] | the commands: families beside a framework, one row of a table for each command; the trait is the route |
//! | [`config`] | the settings |
//! | [`machine`] | applying entries: deterministic, in order, each once |
//! | [`storage`] | what survives a restart: data directory, log, snapshots |
//! | [`peer`] | the transport between nodes |
//! | [`raft`] | consensus, and the only place that names openraft |
//! | [`cluster`] | a node among others: where requests go, who the members are |
//! | [`server`] | listener, connections, dispatch |
//! | [`node`] | the composition root |
//! | [`client`] | the command-line client |
//!
//! A module imports only from those above it, except that `storage` sits on `env` and serves
//! `peer`, `raft`, `cluster` and `node` alone.
//!
//! A node within a process of yours:
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
