//! Disks: the file operations that storage uses, and no others.
//!
//! [`RealDisk`] passes them to the operating system. Tests have a disk in memory that fails as
//! instructed.

mod real;

use std::fmt::Debug;
use std::io;
use std::path::Path;
use std::sync::Arc;

pub use real::RealDisk;

/// How to open a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Open {
    /// An existing file, for reading.
    Read,
    /// An existing file, for reading and writing.
    Write,
    /// A new file, for reading and writing; an existing one is truncated.
    Create,
}

/// A lock that is held until it is dropped. The system releases it when the process ends, however
/// it ends.
pub trait DiskLock: Debug + Send + Sync {}

/// A file system. All paths are complete.
pub trait Disk: Debug + Send + Sync {
    /// Opens a file.
    ///
    /// # Errors
    /// `NotFound` if the file neither exists nor is to be created; the system's own.
    fn open(&self, path: &Path, how: Open) -> io::Result<Arc<dyn DiskFile>>;

    /// Creates a directory and those above it; their names are durable after [`Disk::sync_dir`] of
    /// each parent.
    fn create_dir_all(&self, path: &Path) -> io::Result<()>;

    /// The names of the files (not directories) in a directory, sorted.
    fn list(&self, dir: &Path) -> io::Result<Vec<String>>;

    /// Renames a file, replacing an existing one; durable after [`Disk::sync_dir`].
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Removes a file; durable after [`Disk::sync_dir`].
    fn remove(&self, path: &Path) -> io::Result<()>;

    /// Makes all names in a directory durable: files created, renamed and removed.
    fn sync_dir(&self, dir: &Path) -> io::Result<()>;

    /// Creates `path` if necessary and locks it against other processes. `None` if another process
    /// holds the lock.
    fn lock(&self, path: &Path) -> io::Result<Option<Box<dyn DiskLock>>>;
}

/// An open file. Offsets are explicit, so that readers and the writer share it without seeking.
pub trait DiskFile: Debug + Send + Sync {
    /// Reads up to `buffer.len()` bytes at `offset`; 0 at the end of the file.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize>;

    /// Writes all of `bytes` at `offset`. After an error, some of them may have been written.
    fn write_all_at(&self, bytes: &[u8], offset: u64) -> io::Result<()>;

    /// `fdatasync`: makes all written bytes durable, and the length if it changed. After an error,
    /// the state of every byte written since the last success is unknown, and a retry may report
    /// success without having written them.
    fn sync_data(&self) -> io::Result<()>;

    /// `fsync`: [`DiskFile::sync_data`] and the rest of the metadata.
    fn sync_all(&self) -> io::Result<()>;

    fn len(&self) -> io::Result<u64>;

    fn is_empty(&self) -> io::Result<bool> {
        Ok(self.len()? == 0)
    }

    fn set_len(&self, bytes: u64) -> io::Result<()>;

    /// Fills `buffer` from `offset`.
    ///
    /// # Errors
    /// `UnexpectedEof` if the file ends first; the system's own.
    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        let mut done = 0;
        while done < buffer.len() {
            match self.read_at(&mut buffer[done..], offset + done as u64) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(read) => done += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        assert_eq!(done, buffer.len(), "a read returned at most what was requested");
        Ok(())
    }

    /// Writes zeros over `from..to` and syncs them, so that the blocks of later writes are
    /// allocated and a later `fdatasync` has no metadata to write.
    ///
    /// Syncs slice by slice: a log that syncs another file meanwhile waits for one slice, not for
    /// all of them.
    fn zero_fill(&self, from: u64, to: u64) -> io::Result<()> {
        assert!(from <= to, "the range ends after it starts");
        let zeros = vec![0u8; usize::try_from(to - from).unwrap_or(usize::MAX).min(ZERO_SLICE_BYTES)];
        let mut at = from;
        while at < to {
            let slice = (to - at).min(zeros.len() as u64);
            self.write_all_at(&zeros[..slice as usize], at)?;
            self.sync_data()?;
            at += slice;
        }
        Ok(())
    }
}

/// One slice of [`DiskFile::zero_fill`]: about a millisecond of a disk's time, which a concurrent
/// write may have to wait.
const ZERO_SLICE_BYTES: usize = 1 << 20;
