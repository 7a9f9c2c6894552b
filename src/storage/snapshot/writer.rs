//! Writes a snapshot file block by block.
//!
//! Invariants:
//! * The file has a temporary name until `finish` has completed and synced it. A dropped writer
//!   removes its file; if that fails, the next start does.

use std::path::PathBuf;
use std::sync::Arc;

use super::directory::{SnapshotDir, SnapshotFile};
use super::format::{BLOCK_HEADER_BYTES, Digest, VERSION_BYTES, block_crc, header};
use super::{BLOCK_BYTES_MAX, META_BYTES_MAX};
use crate::env::{DiskFile, Open};
use crate::error::Fatal;
use crate::storage::disk_error;
use crate::storage::log::LogPosition;

/// Minimum bytes of one write, except the last: several small blocks are written with one call.
const WRITE_BYTES: usize = 256 << 10;
/// Bytes between two syncs. A sync of the log may have to wait for such a sync. While a snapshot
/// was written, the slowest write of a client took 16 ms with 8 MiB between syncs, 12 ms with 1
/// MiB, and 9 ms with this value.
const SYNC_BYTES: u64 = 256 << 10;

/// A snapshot that is being written; see [`SnapshotDir::begin`].
#[derive(Debug)]
pub struct SnapshotWriter {
    dir: SnapshotDir,
    position: LogPosition,
    temporary: Option<PathBuf>,
    file: Arc<dyn DiskFile>,
    buffer: Vec<u8>,
    written: u64,
    synced: u64,
    digest: Digest,
}

impl SnapshotWriter {
    pub(super) fn begin(
        dir: &SnapshotDir,
        position: LogPosition,
        meta: &[u8],
        cluster_version: u32,
    ) -> Result<SnapshotWriter, Fatal> {
        assert!(
            meta.len() + VERSION_BYTES <= META_BYTES_MAX,
            "the metadata has at most {META_BYTES_MAX} bytes, not {}",
            meta.len()
        );
        let path = dir.temporary("writing");
        let file = dir.disk.open(&path, Open::Create).map_err(disk_error(&path, "creating"))?;
        let buffer = header(dir.group, position, meta, cluster_version);
        let (temporary, digest) = (Some(path), Digest::default());
        Ok(SnapshotWriter {
            dir: dir.clone(),
            position,
            temporary,
            file,
            buffer,
            written: 0,
            synced: 0,
            digest,
        })
    }

    /// Adds a block.
    ///
    /// # Errors
    /// [`Fatal::Disk`] if the block cannot be written, for example for lack of space. Only this
    /// snapshot fails, and the caller decides whether the node continues.
    ///
    /// # Panics
    /// If the payload is empty or exceeds [`BLOCK_BYTES_MAX`].
    pub fn block(&mut self, payload: &[u8]) -> Result<(), Fatal> {
        assert!(
            !payload.is_empty() && payload.len() <= BLOCK_BYTES_MAX,
            "a block has 1 to {BLOCK_BYTES_MAX} bytes, not {}",
            payload.len()
        );
        let length = payload.len() as u32;
        let crc = block_crc(length, payload);
        self.digest.add(length, crc);
        self.buffer.reserve(BLOCK_HEADER_BYTES + payload.len());
        self.buffer.extend_from_slice(&length.to_le_bytes());
        self.buffer.extend_from_slice(&crc.to_le_bytes());
        self.buffer.extend_from_slice(payload);
        if self.buffer.len() >= WRITE_BYTES { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<(), Fatal> {
        let path = self.temporary.as_deref().expect("the path is taken only by finish and drop");
        self.file.write_all_at(&self.buffer, self.written).map_err(disk_error(path, "writing"))?;
        self.written += self.buffer.len() as u64;
        self.buffer.clear();
        if self.written - self.synced >= SYNC_BYTES {
            self.file.sync_data().map_err(disk_error(path, "syncing"))?;
            self.synced = self.written;
        }
        Ok(())
    }

    /// Completes the file, makes it durable and gives it its name.
    ///
    /// # Errors
    /// Those of [`SnapshotWriter::block`].
    pub fn finish(mut self) -> Result<SnapshotFile, Fatal> {
        self.buffer.extend_from_slice(&self.digest.trailer());
        self.flush()?;
        let path = self.temporary.clone().expect("the path is taken only by finish and drop");
        self.file.sync_all().map_err(disk_error(&path, "syncing"))?;
        let named = self.dir.publish(&path, self.position, self.written)?;
        self.temporary = None;
        Ok(named)
    }
}

impl Drop for SnapshotWriter {
    fn drop(&mut self) {
        if let Some(path) = self.temporary.take() {
            // If the removal fails, the next start removes the file.
            let _ = self.dir.disk.remove(&path);
        }
    }
}
