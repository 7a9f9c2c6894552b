//! What all connections of a server share.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use parking_lot::RwLock;
use tokio::sync::watch;

use super::admin::cluster::Restart;
use super::admin::{cluster, info, rlimit, topology};
use super::pubsub::PubSub;
use super::stats::counters::Stats;
use super::stats::latency::Latency;
use super::stats::sampling::Samples;
use super::stats::slowlog::Slowlog;
use crate::command::keys::glob;
use crate::command::{
    ClientLine, ClientRegistry, DEFAULT_USER, Node, ReadConsistency, Running, Session, SettingRefused,
    Topology,
};
use crate::config::{self, Config};
use crate::env::{BoxFuture, Clock};
use crate::error::{Answer, Unavailable};
use crate::keyspace::{Key, Keyspace, Scope, View};
use crate::raft::{Change, Group};
use crate::resp::Reply;

/// The server's state. One for all connections.
pub struct ServerState {
    pub config: RwLock<Config>,
    pub group: Group,
    pub keyspace: Arc<Keyspace>,
    pub clock: Arc<dyn Clock>,
    pub stats: Stats,
    pub pubsub: Arc<PubSub>,
    pub slowlog: Slowlog,
    pub latency: Latency,
    pub samples: Samples,
    /// 40 hex digits, drawn at each start.
    pub run_id: String,
    /// The program's file, for `INFO`.
    pub executable: PathBuf,
    pub started_ms: u64,
    /// Set when an operator asked this node to give up what it is and start again.
    pub restarts: watch::Sender<Option<Restart>>,
    /// True from when the node is to stop.
    pub stops: watch::Sender<bool>,
}

impl ServerState {
    /// Goes by these settings from now on, where something has a copy of its own.
    pub fn configure(&self, config: &Config) {
        self.pubsub.configure(config);
        self.slowlog.set_slower_than_micros(config.slowlog_log_slower_than);
        self.slowlog.set_entries_max(config.slowlog_max_len);
        self.latency.set_threshold_ms(config.latency_monitor_threshold);
        self.stats.tracks_latency.store(config.latency_tracking, Ordering::Relaxed);
    }

    /// Whether a client still has to say who it is. While there is no password everybody is the user `default`.
    pub fn is_stranger(&self, session: &mut Session) -> bool {
        session.authenticated |= !self.config.read().requirepass.is_set();
        !session.authenticated
    }
}

impl ServerState {
    /// Runs a read outside of the route for reads, behind the barrier of this level or of the setting.
    fn look<'a>(
        &'a self,
        consistency: Option<ReadConsistency>,
        scope: Scope,
        read: impl Fn(&View<'_>) -> Reply + Send + Sync + 'a,
    ) -> Running<'a> {
        Box::pin(async move {
            let consistency = consistency.unwrap_or(self.config.read().read_consistency);
            let now_ms = match self.group.read_barrier(consistency).await {
                Ok(now_ms) => now_ms,
                Err(unavailable) => return Ok(unavailable.into()),
            };
            let reply = self.keyspace.read_whole(|| read(&self.keyspace.view(scope, now_ms)));
            Ok(reply.unwrap_or_else(|| Unavailable::Loading.into()))
        })
    }
}

impl Node for ServerState {
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

    fn set_config(&self, pairs: &[(String, String)]) -> Result<(), SettingRefused> {
        let mut config = self.config.write();
        let changed = config.changed(pairs)?;
        if changed.maxclients > config.maxclients && !rlimit::may_have(changed.maxclients) {
            let reason = "The operating system is not able to handle the specified number of clients";
            return Err(SettingRefused::Failed { name: "maxclients", reason: reason.to_string() });
        }
        *config = changed;
        self.configure(&config);
        Ok(())
    }

    fn rewrite_config(&self) -> Result<(), String> {
        let config = self.config.read().clone();
        config::rewrite(&config)
    }

    fn authenticate(&self, user: &[u8], password: &[u8]) -> bool {
        let config = self.config.read();
        // Others come with ACLs; who has no password is let in with any.
        user == DEFAULT_USER && (!config.requirepass.is_set() || config.requirepass.matches(password))
    }

    fn password_digest(&self) -> Option<String> {
        let config = self.config.read();
        config.requirepass.is_set().then(|| config.requirepass.digest())
    }

    fn reset_stats(&self) {
        self.stats.reset();
        self.keyspace.forget_expired();
        self.keyspace.lookups().reset();
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

    fn clients(&self) -> Vec<ClientLine> {
        self.pubsub.clients.list()
    }

    fn client(&self, id: u64) -> Option<ClientLine> {
        self.pubsub.clients.find(id).map(|client| client.line())
    }

    fn client_registry(&self) -> &dyn ClientRegistry {
        &*self.pubsub
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

    fn group_time_ms(&self) -> u64 {
        self.group.now_ms()
    }

    fn memory_usage(&self, key: Bytes, consistency: Option<ReadConsistency>) -> Running<'_> {
        let key = Key::from(&key[..]);
        self.look(consistency, Scope::OneKey, move |view| {
            let bytes = view.with(key.as_bytes(), |entry| entry.memory_bytes(&key) as i64);
            bytes.map_or(Reply::Null, Reply::Integer)
        })
    }

    fn digest(&self, consistency: Option<ReadConsistency>) -> Running<'_> {
        // As long as Redis' own, for tools that expect its form.
        self.look(consistency, Scope::ManyKeys, |view| Reply::bulk(format!("{:040x}", view.digest())))
    }

    fn sleep(&self, time: Duration) -> BoxFuture<'_, ()> {
        Box::pin(tokio::time::sleep(time))
    }

    fn add_node(
        &self,
        id: u64,
        client: String,
        raft: String,
        incarnation: Option<u64>,
    ) -> BoxFuture<'_, Result<String, Answer>> {
        Box::pin(cluster::add(self, id, client, raft, incarnation))
    }

    fn remove_node(&self, id: u64, force: bool) -> BoxFuture<'_, Result<(), Answer>> {
        Box::pin(cluster::change(self, Change::Remove { id, force }))
    }

    fn transfer_leader(&self, to: Option<u64>) -> BoxFuture<'_, Result<(), Answer>> {
        Box::pin(cluster::change(self, Change::Transfer { to }))
    }

    fn join_cluster(&self, address: String) -> BoxFuture<'_, Result<(), Answer>> {
        Box::pin(cluster::join(self, address))
    }

    fn forget_others(&self) -> BoxFuture<'_, Result<(), Answer>> {
        Box::pin(cluster::forget_others(self))
    }
}
