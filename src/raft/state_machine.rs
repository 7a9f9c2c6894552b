//! The machine, as openraft wants to see it: applies committed entries, saves and restores snapshots.
//!
//! Invariants:
//! * the machine has applied exactly the entries up to `applied`;
//! * a snapshot is named after the last entry in it, and is on disk whole before openraft hears of it.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::{Stream, TryStreamExt};
use openraft::storage::{EntryResponder, RaftStateMachine};
use openraft::{EntryPayload, RaftSnapshotBuilder};

use super::convert;
use super::types::{LogId, Replies, SnapshotMeta, StoredMembership, TypeConfig};
use crate::keyspace::Capture;
use crate::machine::{self, Machine};
use crate::storage::{SnapshotFile, Snapshots};

type Snapshot = openraft::alias::SnapshotOf<TypeConfig, SnapshotFile>;

/// When a block of a snapshot is handed to the disk. Larger blocks hold writes up longer, smaller ones cost more
/// calls.
const BLOCK_BYTES_TARGET: usize = 1 << 20;

/// The machine with what openraft wants to know of it.
pub struct StateMachine {
    machine: Machine,
    applied: Option<LogId>,
    membership: StoredMembership,
    snapshots: Arc<Snapshots>,
    /// Whether a snapshot is being written, for `INFO`.
    running: Arc<AtomicBool>,
}

impl StateMachine {
    /// A machine in the state of `meta`, or an empty one.
    pub fn new(
        machine: Machine,
        meta: Option<SnapshotMeta>,
        snapshots: Arc<Snapshots>,
        running: Arc<AtomicBool>,
    ) -> StateMachine {
        let (applied, membership) = match meta {
            Some(meta) => (meta.last_log_id, meta.last_membership),
            None => (None, StoredMembership::default()),
        };
        assert_eq!(
            machine.applied(),
            applied.map(|id| id.index()),
            "the keyspace is in the state of the snapshot"
        );
        StateMachine { machine, applied, membership, snapshots, running }
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
                    None
                }
            };
            let replies = self.machine.apply(index, batch).map_err(io::Error::other)?;
            self.applied = Some(entry.log_id);
            if let Some(responder) = responder {
                responder.send(Replies(replies));
            }
        }
        Ok(())
    }

    async fn try_create_snapshot_builder(&mut self, _force: bool) -> Option<Builder> {
        let capture = self.machine.capture()?;
        self.running.store(true, Ordering::Relaxed);
        Some(Builder {
            meta: self.meta(),
            capture: Some(capture),
            snapshots: self.snapshots.clone(),
            running: self.running.clone(),
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
        let keyspace = self.machine.keyspace().clone();
        let load = move || {
            keyspace.reset();
            load_records(&snapshot, &keyspace)
        };
        tokio::task::spawn_blocking(load).await.map_err(io::Error::other)??;
        self.applied = meta.last_log_id;
        self.membership = meta.last_membership.clone();
        self.machine.restored(self.applied.map(|id| id.index()));
        Ok(())
    }

    async fn get_current_snapshot(&mut self) -> Result<Option<Snapshot>, io::Error> {
        let Some(snapshot) = self.snapshots.newest() else { return Ok(None) };
        let meta = convert::decode_meta(snapshot.meta()).map_err(io::Error::other)?;
        Ok(Some(Snapshot { meta, snapshot }))
    }
}

/// Puts every record of a snapshot into the keyspace; how many there were.
pub fn load_records(
    snapshot: &SnapshotFile,
    keyspace: &crate::keyspace::Keyspace,
) -> Result<usize, io::Error> {
    let mut records = 0;
    let mut reader = snapshot.read().map_err(io::Error::other)?;
    while let Some(block) = reader.next_block().map_err(io::Error::other)? {
        records += machine::read_block(&block, keyspace).map_err(io::Error::other)?;
    }
    Ok(records)
}

/// Writes one snapshot while entries go on being applied.
pub struct Builder {
    meta: SnapshotMeta,
    capture: Option<Capture>,
    snapshots: Arc<Snapshots>,
    running: Arc<AtomicBool>,
}

impl RaftSnapshotBuilder<TypeConfig> for Builder {
    type SnapshotData = SnapshotFile;

    async fn build_snapshot(&mut self) -> Result<Snapshot, io::Error> {
        let capture = self.capture.take().expect("a builder builds once");
        let (meta, snapshots) = (self.meta.clone(), self.snapshots.clone());
        let written = tokio::task::spawn_blocking(move || write(capture, &meta, &snapshots)).await;
        self.running.store(false, Ordering::Relaxed);
        let snapshot = written.map_err(io::Error::other)??;
        Ok(Snapshot { meta: self.meta.clone(), snapshot })
    }
}

fn write(
    mut capture: Capture,
    meta: &SnapshotMeta,
    snapshots: &Snapshots,
) -> Result<SnapshotFile, io::Error> {
    let (index, term) = meta.last_log_id.as_ref().map_or((0, 0), convert::pair);
    let mut writer = snapshots.begin(index, term, &convert::encode_meta(meta)).map_err(io::Error::other)?;
    let mut block = Vec::new();
    while capture.next_part(|key, entry| machine::write_record(&mut block, key, entry)) {
        if block.len() >= BLOCK_BYTES_TARGET {
            writer.block(&block).map_err(io::Error::other)?;
            block.clear();
        }
    }
    if !block.is_empty() {
        writer.block(&block).map_err(io::Error::other)?;
    }
    if !capture.is_complete() {
        return Err(io::Error::other("the state was replaced while it was being saved"));
    }
    let snapshot = writer.finish().map_err(io::Error::other)?;
    snapshots.remove_older(&snapshot);
    Ok(snapshot)
}
