//! The directory with the snapshots of one group: lists, opens and removes them, and finds the
//! newest good one.
//!
//! Invariants:
//! * Temporary files belong to this process: opening the directory removes those of earlier ones.
//! * The newest snapshot is never removed to make room for older ones.
//! * A damaged snapshot is renamed, so that it does not count as one of the snapshots to keep.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::chunks::SnapshotReceiver;
use super::reader::SnapshotReader;
use super::writer::SnapshotWriter;
use crate::env::{Disk, Open};
use crate::error::Fatal;
use crate::storage::disk_error;
use crate::storage::log::LogPosition;
use crate::version;

/// The file name extension of a snapshot that was found to be damaged.
const DAMAGED: &str = "damaged";

/// A snapshot on disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SnapshotFile {
    pub path: PathBuf,
    /// Index and term of the last entry that the state contains.
    pub position: LogPosition,
    /// The length of the file.
    pub bytes: u64,
}

/// The directory of a group's snapshots; clones share it.
#[derive(Clone, Debug)]
pub struct SnapshotDir {
    pub(super) disk: Arc<dyn Disk>,
    pub(super) group: u32,
    path: PathBuf,
    /// Numbers the temporary files, because one snapshot may be written while another is received.
    temporaries: Arc<AtomicU64>,
}

impl SnapshotDir {
    /// Opens the snapshots of a group in the existing directory `path`, and removes unfinished
    /// files.
    ///
    /// # Errors
    /// [`Fatal::Disk`].
    pub fn open_dir(disk: Arc<dyn Disk>, path: &Path, group: u32) -> Result<SnapshotDir, Fatal> {
        for name in disk.list(path).map_err(disk_error(path, "listing"))? {
            if name.ends_with(".tmp") {
                let path = path.join(name);
                disk.remove(&path).map_err(disk_error(&path, "removing"))?;
            }
        }
        Ok(SnapshotDir { disk, group, path: path.to_owned(), temporaries: Arc::default() })
    }

    /// Begins a snapshot of the state after the entry at `position`, in the first cluster version.
    /// The metadata is opaque here; [`SnapshotReader::meta`] returns it.
    ///
    /// # Errors
    /// [`Fatal::Disk`].
    ///
    /// # Panics
    /// If the metadata, with a cluster version, exceeds [`super::META_BYTES_MAX`].
    pub fn begin(&self, position: LogPosition, meta: &[u8]) -> Result<SnapshotWriter, Fatal> {
        self.begin_at(version::FIRST, position, meta)
    }

    /// Like [`SnapshotDir::begin`], for a state of this cluster version.
    ///
    /// # Errors
    /// [`Fatal::Disk`].
    pub fn begin_at(
        &self,
        cluster_version: u32,
        position: LogPosition,
        meta: &[u8],
    ) -> Result<SnapshotWriter, Fatal> {
        SnapshotWriter::begin(self, position, meta, cluster_version)
    }

    /// Begins to receive a snapshot from another node.
    ///
    /// # Errors
    /// [`Fatal::Disk`].
    pub fn receive(&self) -> Result<SnapshotReceiver, Fatal> {
        SnapshotReceiver::begin(self)
    }

    /// Opens a snapshot to read its blocks.
    ///
    /// # Errors
    /// [`Fatal::Corrupt`] if its header is damaged or names another group or position;
    /// [`Fatal::Disk`].
    pub fn open(&self, file: &SnapshotFile) -> Result<SnapshotReader, Fatal> {
        SnapshotReader::open(self, file.path.clone(), Some(file.position))
    }

    /// Up to `bytes_max` raw bytes of the file from `offset`, for sending it; empty at its end. If
    /// [`SnapshotDir::remove_older`] has removed the file, this is an error, and the caller has to
    /// start the transfer again.
    ///
    /// # Errors
    /// [`Fatal::Disk`].
    pub fn read_chunk(&self, file: &SnapshotFile, offset: u64, bytes_max: usize) -> Result<Vec<u8>, Fatal> {
        let open = self.disk.open(&file.path, Open::Read).map_err(disk_error(&file.path, "opening"))?;
        let mut chunk = vec![0; (file.bytes.saturating_sub(offset)).min(bytes_max as u64) as usize];
        open.read_exact_at(&mut chunk, offset).map_err(disk_error(&file.path, "reading"))?;
        Ok(chunk)
    }

    /// All snapshots, oldest first, with unchecked contents.
    ///
    /// # Errors
    /// [`Fatal::Disk`].
    pub fn list(&self) -> Result<Vec<SnapshotFile>, Fatal> {
        let mut files = Vec::new();
        for name in self.disk.list(&self.path).map_err(disk_error(&self.path, "listing"))? {
            let Some(position) = parse_name(&name) else { continue };
            let path = self.path.join(name);
            let file = self.disk.open(&path, Open::Read).map_err(disk_error(&path, "opening"))?;
            let bytes = file.len().map_err(disk_error(&path, "measuring"))?;
            files.push(SnapshotFile { path, position, bytes });
        }
        files.sort_by_key(|file| file.position);
        Ok(files)
    }

    /// Finds the newest snapshot that is intact, by checking every byte. Also returns the errors of
    /// newer ones that are damaged or cannot be read, which are renamed so that an operator can
    /// inspect them.
    ///
    /// The node can continue despite a damaged snapshot if there is an older one and the log after
    /// it, which the caller has to check.
    ///
    /// # Errors
    /// [`Fatal::Disk`] if the directory cannot be read, or a damaged snapshot cannot be renamed;
    /// [`Fatal::Directory`] for a snapshot in the format of a later release, which is not damaged.
    pub fn newest_good(&self) -> Result<(Option<SnapshotFile>, Vec<Fatal>), Fatal> {
        let mut damaged = Vec::new();
        for file in self.list()?.into_iter().rev() {
            match self.open(&file).and_then(SnapshotReader::verify) {
                Ok(good) => return Ok((Some(good), damaged)),
                Err(later @ Fatal::Directory { .. }) => return Err(later),
                Err(error) => {
                    tracing::warn!(%error, "skipping a damaged snapshot");
                    damaged.push(error);
                    self.set_aside(&file.path)?;
                }
            }
        }
        Ok((None, damaged))
    }

    /// Renames a damaged snapshot. Under its old name it would count as one of the kept ones, and
    /// an older good one, and the log after it, would be removed instead.
    fn set_aside(&self, path: &Path) -> Result<(), Fatal> {
        let aside = path.with_added_extension(DAMAGED);
        self.disk.rename(path, &aside).map_err(disk_error(path, "renaming"))?;
        self.disk.sync_dir(&self.path).map_err(disk_error(&self.path, "syncing"))
    }

    /// Removes all but the newest `keep` snapshots, the oldest first, and returns the number of
    /// removed ones.
    ///
    /// # Errors
    /// [`Fatal::Disk`].
    ///
    /// # Panics
    /// If `keep` is zero.
    pub fn remove_older(&self, keep: usize) -> Result<usize, Fatal> {
        assert!(keep > 0, "at least one snapshot is kept");
        let files = self.list()?;
        let surplus = files.len().saturating_sub(keep);
        for file in &files[..surplus] {
            self.disk.remove(&file.path).map_err(disk_error(&file.path, "removing"))?;
        }
        if surplus > 0 {
            self.disk.sync_dir(&self.path).map_err(disk_error(&self.path, "syncing"))?;
        }
        Ok(surplus)
    }

    pub(super) fn temporary(&self, what: &str) -> PathBuf {
        let number = self.temporaries.fetch_add(1, Ordering::Relaxed);
        self.path.join(format!("{what}-{number}.tmp"))
    }

    /// Gives a complete, synced file its final name.
    pub(super) fn publish(
        &self,
        temporary: &Path,
        position: LogPosition,
        bytes: u64,
    ) -> Result<SnapshotFile, Fatal> {
        let path = self.path.join(format!("{:020}-{}.snap", position.0, position.1));
        self.disk.rename(temporary, &path).map_err(disk_error(temporary, "renaming"))?;
        self.disk.sync_dir(&self.path).map_err(disk_error(&self.path, "syncing"))?;
        Ok(SnapshotFile { path, position, bytes })
    }
}

fn parse_name(name: &str) -> Option<LogPosition> {
    let (index, term) = name.strip_suffix(".snap")?.split_once('-')?;
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if index.len() != 20 || !digits(index) || !digits(term) {
        return None;
    }
    Some((index.parse().ok()?, term.parse().ok()?))
}
