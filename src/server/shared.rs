//! What all connections of a server share.

use std::path::PathBuf;
use std::sync::Arc;

use parking_lot::RwLock;
use tokio::sync::watch;

use super::latency::Latency;
use super::registry::Registry;
use super::sampling::Samples;
use super::slowlog::Slowlog;
use super::stats::Stats;
use super::{cluster, info, topology};
use crate::command::keys::glob;
use crate::command::{Node, Session, Topology};
use crate::config::Config;
use crate::env::{Clock, Pending};
use crate::error::Answer;
use crate::keyspace::Keyspace;
use crate::raft::{Change, Group};

/// The server's state. One for all connections.
pub struct Shared {
    pub config: RwLock<Config>,
    pub group: Group,
    pub keyspace: Arc<Keyspace>,
    pub clock: Arc<dyn Clock>,
    pub stats: Stats,
    pub registry: Registry,
    pub slowlog: Slowlog,
    pub latency: Latency,
    pub samples: Samples,
    /// 40 hex digits, drawn at each start.
    pub run_id: String,
    /// The program's file, for `INFO`.
    pub executable: PathBuf,
    pub started_ms: u64,
    /// Set when an operator asked this node to give up its empty cluster and join another's.
    pub joins: watch::Sender<Option<String>>,
    /// True from when the node is to stop.
    pub stops: watch::Sender<bool>,
}

impl Node for Shared {
    fn info(&self, sections: &[String]) -> String {
        info::text(self, sections)
    }

    fn config(&self, patterns: &[&[u8]]) -> Vec<(String, String)> {
        let lower: Vec<Vec<u8>> = patterns.iter().map(|pattern| pattern.to_ascii_lowercase()).collect();
        let mut entries = self.config.read().entries();
        entries.retain(|(name, _)| {
            lower.iter().any(|pattern| glob::matches(pattern, name.as_bytes()) == Ok(true))
        });
        entries
    }

    fn set_config(&self, name: &str, value: &str) -> Result<(), String> {
        let mut config = self.config.write();
        let number =
            || value.parse::<u64>().map_err(|_| "argument couldn't be parsed into an integer".to_string());
        match name {
            "maxclients" => match number()? {
                // Nobody could connect any more to take it back.
                0 => return Err("argument must be between 1 and 18446744073709551615 inclusive".to_string()),
                clients => config.maxclients = clients as usize,
            },
            "timeout" => config.timeout = number()?,
            "read-consistency" => {
                config.read_consistency = clap::ValueEnum::from_str(value, true)?;
            }
            _ if config.entries().iter().any(|(known, _)| known == name) => {
                return Err("can't set immutable config".to_string());
            }
            _ => return Err("unknown option".to_string()),
        }
        Ok(())
    }

    fn reset_stats(&self) {
        self.stats.reset();
    }

    fn begin_snapshot(&self) -> bool {
        if self.group.status().snapshot_running {
            return false;
        }
        let group = self.group.clone();
        tokio::spawn(async move {
            if let Err(fatal) = group.trigger_snapshot().await {
                tracing::warn!(%fatal, "a snapshot could not be begun");
            }
        });
        true
    }

    fn clients(&self) -> Vec<Session> {
        self.registry.list()
    }

    fn node_id(&self) -> u64 {
        self.config.read().node_id
    }

    fn is_leader(&self) -> bool {
        self.group.status().is_leader()
    }

    fn cluster_enabled(&self) -> bool {
        self.config.read().cluster_enabled
    }

    fn topology(&self) -> Topology {
        topology::of(self)
    }

    fn for_each_key(&self, take: &mut dyn FnMut(&[u8]) -> bool) {
        topology::for_each_key(self, take);
    }

    fn keys(&self) -> usize {
        self.keyspace.len()
    }

    fn now_ms(&self) -> u64 {
        self.clock.now_ms()
    }

    fn add_node(&self, id: u64, client: String, raft: String) -> Pending<'_, Result<String, Answer>> {
        Box::pin(cluster::add(self, id, client, raft))
    }

    fn remove_node(&self, id: u64) -> Pending<'_, Result<(), Answer>> {
        Box::pin(cluster::change(self, Change::Remove { id }))
    }

    fn transfer_leader(&self, to: Option<u64>) -> Pending<'_, Result<(), Answer>> {
        Box::pin(cluster::change(self, Change::Transfer { to }))
    }

    fn join_cluster(&self, address: String) -> Pending<'_, Result<(), Answer>> {
        Box::pin(async move { cluster::join(self, address) })
    }
}
