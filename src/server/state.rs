//! What all connections of a server share.
//!
//! This is data: each field does its own work, and [`super::admin::node_api`] shows commands what
//! they may ask of it.

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

/// The server's state. One for all connections.
pub struct ServerState {
    pub config: RwLock<Config>,
    pub group: Group,
    pub keyspace: Arc<Keyspace>,
    pub clock: Arc<dyn Clock>,
    pub stats: Stats,
    pub pubsub: Arc<PubSub>,
    /// 40 hex digits, drawn at each start.
    pub run_id: String,
    /// The program's file, for `INFO`.
    pub executable: PathBuf,
    /// When the node started, unix milliseconds.
    pub started_ms: u64,
    /// Set when an operator asked this node to give up what it is and start again.
    pub restarts: watch::Sender<Option<Restart>>,
    /// True from when the node is to stop.
    pub stops: watch::Sender<bool>,
}

/// How a node starts again that gives up what it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Restart {
    /// With an empty directory, as a member of the cluster of this node.
    Join(String),
    /// With its data, as the only member.
    Alone,
}
