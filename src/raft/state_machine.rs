//! The machine behind openraft's state machine interface: applies committed entries, begins and
//! installs snapshots.
//!
//! Invariants:
//! * the machine has applied exactly the entries up to `applied`;
//! * a raise of the cluster version is in the node file before any later entry is applied;
//! * `current` is the newest snapshot known to be good; a damaged one in the same directory is
//!   never offered to other members.

use std::io;
use std::sync::Arc;

use futures_util::{Stream, TryStreamExt};
use openraft::EntryPayload;
use openraft::rt::watch::{Watch as _, WatchReceiver, WatchSender};
use openraft::storage::{EntryResponder, RaftStateMachine};
use parking_lot::Mutex;

use super::snapshot_status::SnapshotStatus;
use super::snapshots::{Builder, Current, Snapshot, adopt, load_records};
use super::types::{LogId, Replies, SnapshotMeta, StoredMembership, TypeConfig};
use super::watch::{Sender, Watch};
use crate::env::Background;
use crate::machine::{Audience, Machine};
use crate::peer::Endpoint;
use crate::storage::{SnapshotDir, SnapshotFile, VersionRecord};

/// The machine, with the values that openraft asks a state machine for.
pub struct StateMachine {
    machine: Machine,
    applied: Option<LogId>,
    membership: StoredMembership,
    snapshots: SnapshotDir,
    current: Current,
    applied_index: AppliedIndex,
    running: Arc<SnapshotStatus>,
    /// Receives each applied membership and cluster version.
    endpoint: Arc<Endpoint>,
    background: Background,
    /// The node file, and the cluster version that it has; `None` in tests without a directory.
    recorded: Option<(VersionRecord, u32)>,
}

/// The index of the last applied entry, for tasks that read it or wait for it.
#[derive(Clone)]
pub struct AppliedIndex(Sender<Option<u64>>);

impl Default for AppliedIndex {
    fn default() -> AppliedIndex {
        AppliedIndex(Watch::channel(None).0)
    }
}

impl AppliedIndex {
    /// `None` before the first entry.
    pub fn get(&self) -> Option<u64> {
        *self.0.borrow_watched()
    }

    /// Returns when the entry at `index` has been applied.
    pub async fn reached(&self, index: Option<u64>) {
        // `self` holds the sender, so the channel does not end.
        let mut applied = self.0.subscribe();
        while *applied.borrow_and_update() < index && applied.changed().await.is_ok() {}
    }

    fn set(&self, index: Option<u64>) {
        self.0.send_if_modified(|applied| {
            *applied = index;
            true
        });
    }
}

/// Passes the members to the transport.
fn publish_members(endpoint: &Endpoint, membership: &StoredMembership) {
    let index = membership.log_id().as_ref().map(|id| id.index());
    endpoint.applied_members(index, membership.nodes().map(|(id, member)| (*id, member.clone())).collect());
}

impl StateMachine {
    /// Wraps a machine that holds the state of a fully loaded snapshot, or no state.
    pub fn new(
        machine: Machine,
        restored: Option<Snapshot>,
        snapshots: SnapshotDir,
        running: Arc<SnapshotStatus>,
        endpoint: Arc<Endpoint>,
        background: Background,
    ) -> StateMachine {
        let (applied, membership) = match &restored {
            Some(restored) => (restored.meta.last_log_id, restored.meta.last_membership.clone()),
            None => (None, StoredMembership::default()),
        };
        assert_eq!(
            machine.applied(),
            applied.map(|id| id.index()),
            "the keyspace has the state of the snapshot"
        );
        let applied_index = AppliedIndex::default();
        applied_index.set(machine.applied());
        let current = Arc::new(Mutex::new(restored));
        publish_members(&endpoint, &membership);
        StateMachine {
            machine,
            applied,
            membership,
            snapshots,
            current,
            applied_index,
            running,
            endpoint,
            background,
            recorded: None,
        }
    }

    /// From now on, writes each later cluster version than `version` to the node file.
    pub fn recording(self, record: VersionRecord, version: u32) -> StateMachine {
        StateMachine { recorded: Some((record, version)), ..self }
    }

    /// Writes the cluster version to the node file if it was raised, and then publishes it: what it
    /// allows must not be done by a node whose directory an earlier release would open.
    async fn publish_version(&mut self) -> Result<(), io::Error> {
        let version = self.machine.version();
        if let Some((record, recorded)) = &mut self.recorded
            && *recorded < version
        {
            let record = record.clone();
            let written = self.background.run(move || record.write(version)).await?;
            written.map_err(io::Error::other)?;
            *recorded = version;
            tracing::info!(
                version,
                "the cluster version was raised: earlier releases can no longer take part"
            );
        }
        self.endpoint.applied_version(version);
        Ok(())
    }

    /// The index of the last entry applied.
    pub fn applied(&self) -> Option<u64> {
        self.applied.map(|id| id.index())
    }

    /// Whether `node` is the only voter of the applied membership.
    pub fn is_alone(&self, node: u64) -> bool {
        self.membership.voter_ids().eq([node])
    }

    /// A shared view of [`StateMachine::applied`] for other tasks, while openraft owns the machine.
    pub fn applied_index(&self) -> AppliedIndex {
        self.applied_index.clone()
    }

    fn meta(&self) -> SnapshotMeta {
        SnapshotMeta { last_log_id: self.applied, last_membership: self.membership.clone() }
    }
}

impl RaftStateMachine<TypeConfig> for StateMachine {
    type SnapshotData = SnapshotFile;
    type SnapshotBuilder = Builder;

    async fn applied_state(&mut self) -> Result<(Option<LogId>, StoredMembership), io::Error> {
        Ok((self.applied, self.membership.clone()))
    }

    async fn apply<S>(&mut self, mut entries: S) -> Result<(), io::Error>
    where
        S: Stream<Item = Result<EntryResponder<TypeConfig>, io::Error>> + Unpin + Send,
    {
        while let Some((entry, responder)) = entries.try_next().await? {
            let index = entry.log_id.index();
            let batch = match &entry.payload {
                EntryPayload::Normal(payload) => Some(&payload.0[..]),
                EntryPayload::Blank => None,
                EntryPayload::Membership(members) => {
                    self.membership = StoredMembership::new(Some(entry.log_id), members.clone());
                    publish_members(&self.endpoint, &self.membership);
                    None
                }
            };
            let audience = if responder.is_some() { Audience::Waiting } else { Audience::None };
            let replies = self.machine.apply(index, batch, audience).map_err(io::Error::other)?;
            if self.endpoint.stated_version() != Some(self.machine.version()) {
                self.publish_version().await?;
            }
            self.applied = Some(entry.log_id);
            self.applied_index.set(Some(index));
            if let Some(responder) = responder {
                responder.send(Replies(replies));
            }
        }
        Ok(())
    }

    async fn try_create_snapshot_builder(&mut self, force: bool) -> Option<Builder> {
        // A removed node takes no snapshot. Without this node among the members, the snapshot would
        // look at the next start like that of a node that is still being added; the replayed log
        // shows the removal.
        if !force && (!self.running.may_begin() || self.endpoint.is_removed()) {
            return None;
        }
        let capture = self.machine.capture()?;
        self.running.begun();
        Some(Builder {
            meta: self.meta(),
            capture: Some(capture),
            cluster_version: self.machine.version(),
            snapshots: self.snapshots.clone(),
            current: self.current.clone(),
            running: self.running.clone(),
            background: self.background.clone(),
        })
    }

    async fn get_snapshot_builder(&mut self) -> Builder {
        self.try_create_snapshot_builder(true).await.expect("openraft builds one snapshot at a time")
    }

    async fn install_snapshot(
        &mut self,
        meta: &SnapshotMeta,
        snapshot: SnapshotFile,
    ) -> Result<(), io::Error> {
        let (keyspace, snapshots) = (self.machine.keyspace().clone(), self.snapshots.clone());
        let last = meta.last_log_id.map_or(0, |id| id.index());
        let supported = self.endpoint.supported;
        let load = move || {
            let snapshot = adopt(&snapshots, snapshot)?;
            keyspace.reset();
            let loaded =
                load_records(&snapshots, &snapshot, &keyspace, supported).map_err(io::Error::other)?;
            keyspace.restored(last);
            Ok::<_, io::Error>((snapshot, loaded.cluster_version))
        };
        let (snapshot, version) = self.background.run(load).await??;
        *self.current.lock() = Some(Snapshot { meta: meta.clone(), snapshot });
        self.applied = meta.last_log_id;
        self.machine.restored(self.applied(), version);
        self.publish_version().await?;
        self.applied_index.set(self.applied());
        self.membership = meta.last_membership.clone();
        publish_members(&self.endpoint, &self.membership);
        Ok(())
    }

    async fn get_current_snapshot(&mut self) -> Result<Option<Snapshot>, io::Error> {
        Ok(self.current.lock().clone())
    }
}
