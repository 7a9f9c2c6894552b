//! The data that all connections of a server share.
//!
//! Connections use the fields directly; commands see them only through [`super::admin::node_api`].

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use parking_lot::RwLock;
use tokio::sync::watch;

use super::pubsub::PubSub;
use super::stats::Stats;
use crate::cluster::Group;
use crate::config::Config;
use crate::env::Clock;
use crate::keyspace::Keyspace;

/// The server's state: one value, shared by all connections.
pub struct ServerState {
    pub config: RwLock<Config>,
    pub group: Group,
    pub keyspace: Arc<Keyspace>,
    pub clock: Arc<dyn Clock>,
    pub stats: Stats,
    pub pubsub: Arc<PubSub>,
    /// Whether this node has applied every change of users that was acknowledged before it started.
    pub users_known: AtomicBool,
    /// A string of 40 random hex digits, new at each start.
    pub run_id: String,
    /// The path of the executable file, for `INFO`.
    pub executable: PathBuf,
    /// The time at which the node started, in Unix milliseconds.
    pub started_ms: u64,
    /// Set when an operator requests that this node restart in another role.
    pub restarts: watch::Sender<Option<Restart>>,
    /// Turns true when the node is stopping.
    pub stops: watch::Sender<bool>,
}

/// The role in which a node is to restart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Restart {
    /// With an empty directory, as a member of the cluster to which the node at this client address
    /// belongs.
    Join(String),
    /// With its data, as the only member of its cluster.
    Alone,
}
