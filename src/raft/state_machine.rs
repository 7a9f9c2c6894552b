//! The machine, as openraft wants to see it: applies committed entries, saves and restores snapshots.
//!
//! Invariants:
//! * the machine has applied exactly the entries up to `applied`;
//! * a snapshot is named after the last entry in it, and is on disk whole before openraft hears of it;
//! * `current` is the newest snapshot that is known to be good: one that lies beside it damaged is never offered.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{Stream, TryStreamExt};
use openraft::rt::watch::{Watch as _, WatchReceiver, WatchSender};
use openraft::storage::{EntryResponder, RaftStateMachine};
use openraft::{EntryPayload, RaftSnapshotBuilder};
use parking_lot::Mutex;

use super::codec;
use super::snapshot_status::SnapshotStatus;
use super::types::{LogId, Replies, SnapshotMeta, StoredMembership, TypeConfig};
use super::watch::{Sender, Watch};
use crate::env::Background;
use crate::error::Fatal;
use crate::keyspace::{Capture, Keyspace};
use crate::machine::{self, Audience, Machine, Restore};
use crate::peer::Endpoint;
use crate::storage::snapshot::BLOCK_BYTES_MAX;
use crate::storage::{SnapshotDir, SnapshotFile};

pub type Snapshot = openraft::alias::SnapshotOf<TypeConfig, SnapshotFile>;

/// After so much of a snapshot the disk and the processor are left to writes for a moment: a snapshot may take a few
/// seconds, a write may not. Together about 80 MiB a second.
const REST_BYTES: usize = 192 << 10;
const REST: Duration = Duration::from_millis(2);

/// What is written of a snapshot at a time: little enough that a write of the log comes between two of them.
const BLOCK_BYTES: usize = 256 << 10;
const _: () = assert!(BLOCK_BYTES <= BLOCK_BYTES_MAX);

/// The newest, and the one before it in case the newest turns out to be damaged.
const SNAPSHOTS_KEPT: usize = 2;

/// The machine with what openraft wants to know of it.
pub struct StateMachine {
    machine: Machine,
    applied: Option<LogId>,
    membership: StoredMembership,
    snapshots: SnapshotDir,
    current: Current,
    so_far: AppliedIndex,
    running: Arc<SnapshotStatus>,
    /// Learns who the members are.
    endpoint: Arc<Endpoint>,
    background: Background,
}

/// How far the log was applied, for whoever wants to know at any time or waits for it.
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
        // The sender is held here, so the channel does not end.
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

/// Tells the transport who the members are.
fn publish_members(endpoint: &Endpoint, membership: &StoredMembership) {
    let index = membership.log_id().as_ref().map(|id| id.index());
    endpoint.applied_members(index, membership.nodes().map(|(id, member)| (*id, member.clone())).collect());
}

/// The newest good snapshot, shared with whoever writes the next.
type Current = Arc<Mutex<Option<Snapshot>>>;

impl StateMachine {
    /// A machine in the state of a snapshot that was read whole, or an empty one.
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
            "the keyspace is in the state of the snapshot"
        );
        let so_far = AppliedIndex::default();
        so_far.set(machine.applied());
        let current = Arc::new(Mutex::new(restored));
        publish_members(&endpoint, &membership);
        StateMachine {
            machine,
            applied,
            membership,
            snapshots,
            current,
            so_far,
            running,
            endpoint,
            background,
        }
    }

    /// The index of the last entry applied.
    pub fn applied(&self) -> Option<u64> {
        self.applied.map(|id| id.index())
    }

    /// Whether `node` is the only voter of the members that were applied.
    pub fn is_alone(&self, node: u64) -> bool {
        self.membership.voter_ids().eq([node])
    }

    /// The same, for others to read while the machine is openraft's.
    pub fn applied_so_far(&self) -> AppliedIndex {
        self.so_far.clone()
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
            let audience = if responder.is_some() { Audience::Waiting } else { Audience::Nobody };
            let replies = self.machine.apply(index, batch, audience).map_err(io::Error::other)?;
            self.applied = Some(entry.log_id);
            self.so_far.set(Some(index));
            if let Some(responder) = responder {
                responder.send(Replies(replies));
            }
        }
        Ok(())
    }

    async fn try_create_snapshot_builder(&mut self, force: bool) -> Option<Builder> {
        // A snapshot without this node among the members would look, at the next start, like that of a node which is being
        // added. The log that is replayed instead tells it that it was removed.
        if !force && (!self.running.may_begin() || self.endpoint.is_removed()) {
            return None;
        }
        let capture = self.machine.capture()?;
        self.running.begun();
        Some(Builder {
            meta: self.meta(),
            capture: Some(capture),
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
        let load = move || {
            let snapshot = adopt(&snapshots, snapshot)?;
            keyspace.reset();
            load_records(&snapshots, &snapshot, &keyspace).map_err(io::Error::other)?;
            keyspace.restored(last);
            Ok::<_, io::Error>(snapshot)
        };
        let snapshot = self.background.run(load).await??;
        *self.current.lock() = Some(Snapshot { meta: meta.clone(), snapshot });
        self.applied = meta.last_log_id;
        self.so_far.set(self.applied());
        self.membership = meta.last_membership.clone();
        publish_members(&self.endpoint, &self.membership);
        self.machine.restored(self.applied.map(|id| id.index()));
        Ok(())
    }

    async fn get_current_snapshot(&mut self) -> Result<Option<Snapshot>, io::Error> {
        Ok(self.current.lock().clone())
    }
}

/// The longest piece in which a snapshot is copied.
const CHUNK_BYTES: usize = 1 << 20;

/// The snapshot as one of this node's own: copied and checked, unless it is one already.
fn adopt(snapshots: &SnapshotDir, snapshot: SnapshotFile) -> Result<SnapshotFile, io::Error> {
    if snapshots.list().map_err(io::Error::other)?.contains(&snapshot) {
        return Ok(snapshot);
    }
    let mut receiver = snapshots.receive().map_err(io::Error::other)?;
    while receiver.received() < snapshot.bytes {
        let chunk =
            snapshots.read_chunk(&snapshot, receiver.received(), CHUNK_BYTES).map_err(io::Error::other)?;
        if chunk.is_empty() {
            return Err(io::Error::from(io::ErrorKind::UnexpectedEof));
        }
        receiver.chunk(&chunk).map_err(io::Error::other)?;
    }
    receiver.finish().map_err(io::Error::other)
}

/// Puts every record of a snapshot into the keyspace; how many there were.
pub fn load_records(
    snapshots: &SnapshotDir,
    snapshot: &SnapshotFile,
    keyspace: &Keyspace,
) -> Result<(SnapshotMeta, usize), Fatal> {
    let unreadable = |error: &dyn std::fmt::Display| Fatal::Directory {
        path: snapshot.path.clone(),
        reason: error.to_string(),
    };
    let mut reader = snapshots.open(snapshot)?;
    let meta = codec::decode_meta(reader.meta()).map_err(|error| unreadable(&error))?;
    let mut restore = Restore::new();
    while let Some(block) = reader.next_block()? {
        restore.block(block, keyspace).map_err(|error| unreadable(&error))?;
    }
    Ok((meta, restore.finish().map_err(|error| unreadable(&error))?))
}

/// Writes one snapshot while entries go on being applied.
pub struct Builder {
    meta: SnapshotMeta,
    capture: Option<Capture>,
    snapshots: SnapshotDir,
    current: Current,
    running: Arc<SnapshotStatus>,
    background: Background,
}

impl RaftSnapshotBuilder<TypeConfig> for Builder {
    type SnapshotData = SnapshotFile;

    /// A snapshot that cannot be written, on a full disk as a rule, is given up: no acknowledged write depends on it,
    /// and the log still has what would have been in it. openraft takes any error for the end of the node, and passes
    /// over a snapshot that is no newer than the one it knows; so it gets that one.
    async fn build_snapshot(&mut self) -> Result<Snapshot, io::Error> {
        let capture = self.capture.take().expect("a builder builds once");
        let (meta, snapshots) = (self.meta.clone(), self.snapshots.clone());
        let background = self.background.clone();
        let written = self.background.run(move || write(capture, &meta, &snapshots, &background)).await;
        let written = written.flatten();
        self.running.ended(written.is_ok());
        match written {
            Ok(snapshot) => {
                let snapshot = Snapshot { meta: self.meta.clone(), snapshot };
                *self.current.lock() = Some(snapshot.clone());
                Ok(snapshot)
            }
            Err(error) => {
                tracing::warn!(%error, "no snapshot could be taken; the one before it stays");
                Ok(self.current.lock().clone().unwrap_or_else(no_snapshot))
            }
        }
    }
}

/// Stands for the state before the first entry. openraft looks at the meta data of a snapshot that was built, and asks
/// [`StateMachine`] for the file when it wants to send one.
fn no_snapshot() -> Snapshot {
    let snapshot = SnapshotFile { path: PathBuf::new(), position: (0, 0), bytes: 0 };
    Snapshot { meta: SnapshotMeta::default(), snapshot }
}

fn write(
    mut capture: Capture,
    meta: &SnapshotMeta,
    snapshots: &SnapshotDir,
    background: &Background,
) -> Result<SnapshotFile, io::Error> {
    let position = meta.last_log_id.as_ref().map_or((0, 0), codec::pair);
    let mut writer = snapshots.begin(position, &codec::encode_meta(meta)).map_err(io::Error::other)?;
    let mut stream = Vec::new();
    machine::write_head(&mut stream, capture.time_ms());
    let mut since_rest = 0;
    loop {
        let before = stream.len();
        if !capture.next_part(|key, entry| machine::write_record(&mut stream, key, entry)) {
            break;
        }
        since_rest += stream.len() - before;
        // Outside the capture's lock: a slow disk holds up nobody's write.
        let whole = stream.len() - stream.len() % BLOCK_BYTES;
        for block in stream[..whole].chunks(BLOCK_BYTES) {
            writer.block(block).map_err(io::Error::other)?;
        }
        stream.drain(..whole);
        if since_rest >= REST_BYTES {
            background.rest(REST);
            since_rest = 0;
        }
    }
    if !stream.is_empty() {
        writer.block(&stream).map_err(io::Error::other)?;
    }
    if !capture.is_complete() {
        return Err(io::Error::other("the state was replaced while it was being saved"));
    }
    let snapshot = writer.finish().map_err(io::Error::other)?;
    if let Err(error) = snapshots.remove_older(SNAPSHOTS_KEPT) {
        tracing::warn!(%error, "an old snapshot could not be removed");
    }
    Ok(snapshot)
}
