//! Snapshots on disk: writes them while entries are applied, loads them, and adopts those of other
//! members.
//!
//! Invariant: a snapshot is named after its last entry, and is complete on disk before openraft
//! gets it.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use openraft::RaftSnapshotBuilder;
use parking_lot::Mutex;

use super::codec;
use super::snapshot_status::SnapshotStatus;
use super::types::{SnapshotMeta, TypeConfig};
use crate::env::Background;
use crate::error::Fatal;
use crate::keyspace::{Capture, Keyspace};
use crate::machine::{self, Restore};
use crate::storage::snapshot::BLOCK_BYTES_MAX;
use crate::storage::{SnapshotDir, SnapshotFile};
use crate::version::Versions;

pub type Snapshot = openraft::alias::SnapshotOf<TypeConfig, SnapshotFile>;

/// Bytes of a snapshot after which its writer pauses and leaves disk and processor to the writes of
/// clients: a snapshot may take seconds, a write may not. With the length of the pause, this limits
/// a snapshot of small shards to about 90 MiB a second.
const REST_BYTES: usize = 192 << 10;
const REST: Duration = Duration::from_millis(2);

/// Size of one write to the snapshot file: small enough that a write to the log between two of them
/// is not delayed much.
const BLOCK_BYTES: usize = 256 << 10;
const _: () = assert!(BLOCK_BYTES <= BLOCK_BYTES_MAX);

/// The newest snapshot, and the one before it in case the newest is damaged.
const SNAPSHOTS_KEPT: usize = 2;

/// The newest good snapshot, shared with the task that writes the next one.
pub type Current = Arc<Mutex<Option<Snapshot>>>;

/// Chunk size for copying a snapshot.
const CHUNK_BYTES: usize = 1 << 20;

/// Returns the snapshot in this node's own directory: copied there and checked, unless it is there
/// already.
pub fn adopt(snapshots: &SnapshotDir, snapshot: SnapshotFile) -> Result<SnapshotFile, io::Error> {
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

/// A snapshot whose records are in the keyspace.
pub struct Loaded {
    pub meta: SnapshotMeta,
    pub records: usize,
    pub cluster_version: u32,
}

/// Loads every record of a snapshot into the keyspace. A snapshot of a cluster version that is not
/// among the supported ones is refused.
pub fn load_records(
    snapshots: &SnapshotDir,
    snapshot: &SnapshotFile,
    keyspace: &Keyspace,
    supported: Versions,
) -> Result<Loaded, Fatal> {
    let unreadable = |error: &dyn std::fmt::Display| Fatal::Directory {
        path: snapshot.path.clone(),
        reason: error.to_string(),
    };
    let mut reader = snapshots.open(snapshot)?;
    let cluster_version = reader.cluster_version();
    if let Some(reason) = supported.refusal("this program", cluster_version) {
        return Err(unreadable(&reason));
    }
    let meta = codec::decode_meta(reader.meta()).map_err(|error| unreadable(&error))?;
    let mut restore = Restore::new();
    while let Some(block) = reader.next_block()? {
        restore.block(block, keyspace).map_err(|error| unreadable(&error))?;
    }
    let records = restore.finish(keyspace).map_err(|error| unreadable(&error))?;
    Ok(Loaded { meta, records, cluster_version })
}

/// Writes one snapshot while entries are applied.
pub struct Builder {
    pub(super) meta: SnapshotMeta,
    pub(super) capture: Option<Capture>,
    /// The cluster version of the captured state.
    pub(super) cluster_version: u32,
    pub(super) snapshots: SnapshotDir,
    pub(super) current: Current,
    pub(super) running: Arc<SnapshotStatus>,
    pub(super) background: Background,
}

impl RaftSnapshotBuilder<TypeConfig> for Builder {
    type SnapshotData = SnapshotFile;

    /// Writes the snapshot. If that fails, usually because the disk is full, the snapshot is
    /// abandoned: no acknowledged write depends on it, and the log still has its entries. openraft
    /// treats an error here as fatal, but ignores a snapshot no newer than the last one; so after a
    /// failure the last one is returned.
    async fn build_snapshot(&mut self) -> Result<Snapshot, io::Error> {
        let capture = self.capture.take().expect("a builder builds only one snapshot");
        let (meta, snapshots) = (self.meta.clone(), self.snapshots.clone());
        let (version, background) = (self.cluster_version, self.background.clone());
        let write = move || write(capture, (&meta, version), &snapshots, &background);
        let written = self.background.run(write).await;
        let written = written.flatten();
        self.running.ended(written.is_ok());
        match written {
            Ok(snapshot) => {
                let snapshot = Snapshot { meta: self.meta.clone(), snapshot };
                *self.current.lock() = Some(snapshot.clone());
                Ok(snapshot)
            }
            Err(error) => {
                tracing::warn!(%error, "could not take a snapshot; keeping the previous one");
                Ok(self.current.lock().clone().unwrap_or_else(no_snapshot))
            }
        }
    }
}

/// Represents the state before the first entry. openraft reads only the metadata of a built
/// snapshot, and asks [`StateMachine`](super::state_machine::StateMachine) for the file when it
/// wants to send one.
fn no_snapshot() -> Snapshot {
    let snapshot = SnapshotFile { path: PathBuf::new(), position: (0, 0), bytes: 0 };
    Snapshot { meta: SnapshotMeta::default(), snapshot }
}

fn write(
    mut capture: Capture,
    (meta, cluster_version): (&SnapshotMeta, u32),
    snapshots: &SnapshotDir,
    background: &Background,
) -> Result<SnapshotFile, io::Error> {
    let position = meta.last_log_id.as_ref().map_or((0, 0), codec::pair);
    let meta = codec::encode_meta(meta);
    let mut writer = snapshots.begin_at(cluster_version, position, &meta).map_err(io::Error::other)?;
    let mut stream = Vec::new();
    machine::write_head(&mut stream, capture.time_ms());
    let mut since_rest = 0;
    loop {
        let before = stream.len();
        if !capture.next_shard(|key, entry| machine::write_record(&mut stream, key, entry)) {
            break;
        }
        since_rest += stream.len() - before;
        // Written without the capture's lock, so that a slow disk delays no client's write.
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
    machine::write_users(&mut stream, capture.users());
    for block in stream.chunks(BLOCK_BYTES) {
        writer.block(block).map_err(io::Error::other)?;
    }
    if !capture.is_complete() {
        return Err(io::Error::other("the state was replaced while the snapshot was being written"));
    }
    let snapshot = writer.finish().map_err(io::Error::other)?;
    if let Err(error) = snapshots.remove_older(SNAPSHOTS_KEPT) {
        tracing::warn!(%error, "could not remove an old snapshot");
    }
    Ok(snapshot)
}
