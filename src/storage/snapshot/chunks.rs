//! Receives a snapshot of another node: the bytes of its file, in chunks whose size the caller
//! chooses.
//!
//! Invariants:
//! * A received file gets the name of a snapshot only after every byte has been checked and synced.

use std::path::PathBuf;
use std::sync::Arc;

use super::directory::{SnapshotDir, SnapshotFile};
use super::reader::SnapshotReader;
use crate::env::{DiskFile, Open};
use crate::error::Fatal;
use crate::storage::disk_error;

/// Bytes between two syncs. This is more than in [`super::SnapshotWriter`], because a node that
/// receives a snapshot serves no writes that would wait behind a sync, and the sender waits for
/// each chunk.
const SYNC_BYTES: u64 = 8 << 20;

/// A snapshot that is being received; see [`SnapshotDir::receive`].
#[derive(Debug)]
pub struct SnapshotReceiver {
    dir: SnapshotDir,
    temporary: Option<PathBuf>,
    file: Arc<dyn DiskFile>,
    received: u64,
    synced: u64,
}

impl SnapshotReceiver {
    pub(super) fn begin(dir: &SnapshotDir) -> Result<SnapshotReceiver, Fatal> {
        let path = dir.temporary("receiving");
        let file = dir.disk.open(&path, Open::Create).map_err(disk_error(&path, "creating"))?;
        Ok(SnapshotReceiver { dir: dir.clone(), temporary: Some(path), file, received: 0, synced: 0 })
    }

    /// Bytes received so far, which is the offset of the next chunk.
    pub fn received(&self) -> u64 {
        self.received
    }

    /// Writes the next bytes of the file.
    ///
    /// # Errors
    /// [`Fatal::Disk`] if the bytes cannot be written; only this transfer fails.
    pub fn chunk(&mut self, bytes: &[u8]) -> Result<(), Fatal> {
        let path = self.temporary.as_deref().expect("the path is taken only by finish and drop");
        self.file.write_all_at(bytes, self.received).map_err(disk_error(path, "writing"))?;
        self.received += bytes.len() as u64;
        if self.received - self.synced >= SYNC_BYTES {
            self.file.sync_data().map_err(disk_error(path, "syncing"))?;
            self.synced = self.received;
        }
        Ok(())
    }

    /// Checks the whole file, makes it durable and gives it its name.
    ///
    /// # Errors
    /// [`Fatal::Corrupt`] if the file is not a complete snapshot of this group, which fails only
    /// the transfer, not the node; [`Fatal::Disk`].
    pub fn finish(mut self) -> Result<SnapshotFile, Fatal> {
        let path = self.temporary.clone().expect("the path is taken only by finish and drop");
        self.file.sync_all().map_err(disk_error(&path, "syncing"))?;
        let checked = SnapshotReader::open(&self.dir, path.clone(), None)?.verify()?;
        assert_eq!(checked.bytes, self.received, "the checked file has the received length");
        let named = self.dir.publish(&path, checked.position, checked.bytes)?;
        self.temporary = None;
        Ok(named)
    }
}

impl Drop for SnapshotReceiver {
    fn drop(&mut self) {
        if let Some(path) = self.temporary.take() {
            // If the removal fails, the next start removes the file.
            let _ = self.dir.disk.remove(&path);
        }
    }
}
