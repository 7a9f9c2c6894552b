//! Disks: what storage may do to files, and nothing more.
//!
//! [`RealDisk`] passes everything to the operating system; tests have one in memory that fails as
//! told.

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
    /// A new file, for reading and writing; what was there under that name is emptied.
    Create,
}

/// Held as long as the lock is wanted; the system releases it with the process, however that ends.
pub trait DiskLock: Debug + Send + Sync {}

/// A place with files and directories. All paths are complete.
pub trait Disk: Debug + Send + Sync {
    /// Opens a file.
    ///
    /// # Errors
    /// `NotFound` unless it exists or is to be created; the system's own.
    fn open(&self, path: &Path, how: Open) -> io::Result<Arc<dyn DiskFile>>;

    /// Creates a directory and those above it; their names are durable after [`Disk::sync_dir`] of
    /// each parent.
    fn create_dir_all(&self, path: &Path) -> io::Result<()>;

    /// The names of the files (not directories) in a directory, sorted.
    fn list(&self, dir: &Path) -> io::Result<Vec<String>>;

    /// Renames a file, replacing what was there; durable after [`Disk::sync_dir`].
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Removes a file; durable after [`Disk::sync_dir`].
    fn remove(&self, path: &Path) -> io::Result<()>;

    /// Makes all names in a directory durable: files created, renamed and removed.
    fn sync_dir(&self, dir: &Path) -> io::Result<()>;

    /// Creates `path` if need be and locks it against other processes. `None`: somebody else holds
    /// it.
    fn lock(&self, path: &Path) -> io::Result<Option<Box<dyn DiskLock>>>;
}

/// An open file. Positions are explicit, so that readers and the writer share one without a seek
/// between them.
pub trait DiskFile: Debug + Send + Sync {
    /// Reads up to `buffer.len()` bytes at `offset`; 0 at the end of the file.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize>;

    /// Writes all of `bytes` at `offset`. After an error some of them may be there.
    fn write_all_at(&self, bytes: &[u8], offset: u64) -> io::Result<()>;

    /// `fdatasync`: all written bytes are durable, and the length if it changed. After an error
    /// nothing is known about any byte written since the last success, and a retry may report
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
        assert_eq!(done, buffer.len(), "a read returned more than it was asked for");
        Ok(())
    }

    /// Writes zeros over `from..to` and syncs them, so that later writes there find their blocks
    /// allocated and a later `fdatasync` has no metadata to write.
    ///
    /// Synced slice by slice: a log that syncs another file meanwhile waits for one slice, not for
    /// all of them.
    fn zero_fill(&self, from: u64, to: u64) -> io::Result<()> {
        assert!(from <= to, "a range that ends before it starts");
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

/// One slice of [`DiskFile::zero_fill`]: about a millisecond of a disk's time, which is what a
/// write may have to wait.
const ZERO_SLICE_BYTES: usize = 1 << 20;
