//! The node as commands see it: [`Node`] over the server's state.
//!
//! Commands do not depend on the parts of the server. Each method here passes a call to the part
//! that handles it.

use std::time::Duration;

use bytes::Bytes;

use super::{cluster, info, rights, rlimit};
use crate::acl::{DEFAULT_USER, User};
use crate::command::framework::glob;
use crate::command::server::memory::usage_of;
use crate::command::{
    ClientLine, ClientRegistry, Node, ReadConsistency, Refusal, Running, SECRET_BYTES, Session,
    SettingRefused, Topology,
};
use crate::config::{self, UpgradeFinalize};
use crate::env::secret_bytes;
use crate::error::{CommandError, Unavailable};
use crate::keyspace::{Scope, View};
use crate::peer::Change;
use crate::resp::Reply;
use crate::server::state::ServerState;
use futures_util::future::BoxFuture;

/// Runs a read outside of the usual route for reads, after a read barrier with this consistency;
/// for `None`, with the configured one.
fn read_behind_barrier<'a>(
    state: &'a ServerState,
    consistency: Option<ReadConsistency>,
    scope: Scope,
    read: impl Fn(&View<'_>) -> Reply + Send + Sync + 'a,
) -> Running<'a> {
    Box::pin(async move {
        let consistency = consistency.unwrap_or(state.config.read().read_consistency);
        let now_ms = match state.group.read_barrier(consistency).await {
            Ok(now_ms) => now_ms,
            Err(unavailable) => return Ok(unavailable.into()),
        };
        let reply = state.keyspace.read_whole(|| read(&state.keyspace.view(scope, now_ms)));
        Ok(reply.unwrap_or_else(|| Unavailable::Loading.into()))
    })
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
        if changed.maxclients > config.maxclients && !rlimit::can_serve(changed.maxclients) {
            let reason = "The operating system is not able to handle the specified number of clients";
            return Err(SettingRefused::Failed { name: "maxclients", reason: reason.to_string() });
        }
        let names_password = pairs.iter().any(|(name, _)| name.eq_ignore_ascii_case("requirepass"));
        if names_password && self.keyspace.users().current().get(DEFAULT_USER).is_some() {
            let reason = "the rules of the user default decide about its password; use ACL SETUSER default";
            return Err(SettingRefused::Failed { name: "requirepass", reason: reason.to_string() });
        }
        *config = changed;
        self.pubsub.configure(&config);
        self.stats.configure(&config);
        self.group.set_auto_finalize(config.upgrade_finalize == UpgradeFinalize::Auto);
        Ok(())
    }

    fn rewrite_config(&self) -> Result<(), String> {
        let config = self.config.read().clone();
        config::rewrite(&config)
    }

    fn user(&self, name: &[u8]) -> Option<User> {
        rights::user(self, name)
    }

    fn user_names(&self) -> Vec<Vec<u8>> {
        let users = self.keyspace.users().current();
        let own = users.get(DEFAULT_USER).is_none().then(|| DEFAULT_USER.to_vec());
        let mut names: Vec<Vec<u8>> = users.iter().map(|(name, _)| name.to_vec()).chain(own).collect();
        names.sort_unstable();
        names
    }

    fn change_users(&self, code: u16, words: Vec<Bytes>) -> Running<'_> {
        Box::pin(rights::change(self, code, words))
    }

    fn barrier(&self) -> BoxFuture<'_, Result<(), Unavailable>> {
        Box::pin(async { self.group.read_barrier(ReadConsistency::Linearizable).await.map(drop) })
    }

    fn note_refusal(&self, session: &Session, refusal: Refusal<'_>) {
        rights::note_refusal(self, session, refusal);
    }

    fn secret(&self) -> Result<[u8; SECRET_BYTES], String> {
        secret_bytes().map_err(|error| error.to_string())
    }

    fn reset_stats(&self) {
        self.stats.counters.reset();
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
                tracing::warn!(%fatal, "cannot start a snapshot");
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
        cluster::topology(self)
    }

    fn for_each_key(&self, take: &mut dyn FnMut(&[u8]) -> bool) {
        cluster::for_each_key(self, take);
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
        read_behind_barrier(self, consistency, Scope::OneKey, move |view| usage_of(view, &key))
    }

    fn digest(&self, consistency: Option<ReadConsistency>) -> Running<'_> {
        // Padded to 40 digits, as in Redis, because some tools expect that form.
        read_behind_barrier(self, consistency, Scope::ManyKeys, |view| {
            Reply::bulk(format!("{:040x}", view.digest()))
        })
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
    ) -> BoxFuture<'_, Result<String, CommandError>> {
        Box::pin(cluster::add(self, id, client, raft, incarnation))
    }

    fn remove_node(&self, id: u64, force: bool) -> BoxFuture<'_, Result<(), CommandError>> {
        Box::pin(cluster::change(self, Change::Remove { id, force }))
    }

    fn transfer_leader(&self, to: Option<u64>) -> BoxFuture<'_, Result<(), CommandError>> {
        Box::pin(cluster::change(self, Change::Transfer { to }))
    }

    fn finalize_upgrade(&self) -> BoxFuture<'_, Result<(), CommandError>> {
        Box::pin(cluster::finalize(self))
    }

    fn versions(&self) -> Running<'_> {
        Box::pin(async { Ok(cluster::versions(&self.group.version_report().await)) })
    }

    fn join_cluster(&self, address: String) -> BoxFuture<'_, Result<(), CommandError>> {
        Box::pin(cluster::join(self, address))
    }

    fn forget_others(&self) -> BoxFuture<'_, Result<(), CommandError>> {
        Box::pin(cluster::forget_others(self))
    }
}
