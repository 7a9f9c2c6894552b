//! The data that all connections of a server share.
//!
//! There is no facade: each field does its own work, and [`super::admin::node_api`] is the part of
//! it that commands see.

use std::path::PathBuf;
use std::sync::Arc;

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
    /// 40 random hex digits, new at each start.
    pub run_id: String,
    /// The path of the program, for `INFO`.
    pub executable: PathBuf,
    /// When the node started, unix milliseconds.
    pub started_ms: u64,
    /// Set when an operator wants this node to restart in another role.
    pub restarts: watch::Sender<Option<Restart>>,
    /// True once the node is stopping.
    pub stops: watch::Sender<bool>,
}

/// The role in which a node restarts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Restart {
    /// With an empty directory, as a member of the cluster that the node at this client address
    /// belongs to.
    Join(String),
    /// With its data, as the only member of its cluster.
    Alone,
}
