//! Snapshots on disk: written while entries are applied, loaded, and adopted from other members.
//!
//! Invariant: a snapshot is named after its last entry, and is complete on disk before openraft
//! hears of it.

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

pub type Snapshot = openraft::alias::SnapshotOf<TypeConfig, SnapshotFile>;

/// Bytes of a snapshot after which the disk and the processor are left to writes for a moment: a
/// snapshot may take a few seconds, a write may not. Together these limit it to about 80 MiB a
/// second.
const REST_BYTES: usize = 192 << 10;
const REST: Duration = Duration::from_millis(2);

/// Size of one write of a snapshot: small enough that a write of the log fits between two of them.
const BLOCK_BYTES: usize = 256 << 10;
const _: () = assert!(BLOCK_BYTES <= BLOCK_BYTES_MAX);

/// The newest, and the one before it in case the newest turns out to be damaged.
const SNAPSHOTS_KEPT: usize = 2;

/// The newest good snapshot, shared with the task that writes the next.
pub type Current = Arc<Mutex<Option<Snapshot>>>;

/// Chunk size for copying a snapshot.
const CHUNK_BYTES: usize = 1 << 20;

/// Returns the snapshot as one of this node's own: copied and checked, unless it already is.
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

/// Loads every record of a snapshot into the keyspace, and returns their number.
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

/// Writes one snapshot while entries are applied.
pub struct Builder {
    pub(super) meta: SnapshotMeta,
    pub(super) capture: Option<Capture>,
    pub(super) snapshots: SnapshotDir,
    pub(super) current: Current,
    pub(super) running: Arc<SnapshotStatus>,
    pub(super) background: Background,
}

impl RaftSnapshotBuilder<TypeConfig> for Builder {
    type SnapshotData = SnapshotFile;

    /// A snapshot that cannot be written, usually because the disk is full, is abandoned: no
    /// acknowledged write depends on it, and the log still has its entries. openraft treats any
    /// error as fatal, but ignores a snapshot that is no newer than the one it knows; so this
    /// returns that one.
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

/// Represents the state before the first entry. openraft looks only at the metadata of a snapshot
/// that was built, and asks [`StateMachine`](super::state_machine::StateMachine) for the file when
/// it wants to send one.
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
        if !capture.next_shard(|key, entry| machine::write_record(&mut stream, key, entry)) {
            break;
        }
        since_rest += stream.len() - before;
        // Outside the capture's lock: a slow disk delays no write of a client.
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
