//! The disk interface: exactly the file operations that the storage uses.
//!
//! [`RealDisk`] passes them to the operating system. Tests use a disk in memory that fails on
//! request.

mod blocks;
mod real;

use std::fmt::Debug;
use std::io;
use std::path::Path;
use std::sync::Arc;

pub use blocks::{BLOCK_BYTES, Blocks};
pub use real::RealDisk;

/// How a file is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Open {
    /// Opens an existing file for reading.
    Read,
    /// Opens an existing file for reading and writing.
    Write,
    /// Creates a file for reading and writing, or truncates an existing one.
    Create,
}

/// A lock that is held until this value is dropped. The system also releases it when the process
/// ends, even after a crash.
pub trait DiskLock: Debug + Send + Sync {}

/// A file system. All paths are absolute.
pub trait Disk: Debug + Send + Sync {
    /// Opens a file.
    ///
    /// # Errors
    /// `NotFound` if the file does not exist and is not to be created; errors of the operating
    /// system.
    fn open(&self, path: &Path, how: Open) -> io::Result<Arc<dyn DiskFile>>;

    /// Opens an existing file for writes that bypass the page cache. `None` if the file system does
    /// not permit that; the file is then written like any other.
    ///
    /// Such writes begin and end at multiples of [`BLOCK_BYTES`], and their bytes come from
    /// [`Blocks`]. A read through another handle of the file finds them once they have returned.
    fn open_direct(&self, path: &Path) -> Option<Arc<dyn DiskFile>>;

    /// Creates a directory and its missing parents. The new names are durable after a
    /// [`Disk::sync_dir`] of each parent.
    fn create_dir_all(&self, path: &Path) -> io::Result<()>;

    /// The names of the files (without directories) in a directory, sorted.
    fn list(&self, dir: &Path) -> io::Result<Vec<String>>;

    /// Renames a file and replaces an existing one. The change is durable after [`Disk::sync_dir`].
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Removes a file. The change is durable after [`Disk::sync_dir`].
    fn remove(&self, path: &Path) -> io::Result<()>;

    /// Makes all changes of names in a directory durable: created, renamed and removed files.
    fn sync_dir(&self, dir: &Path) -> io::Result<()>;

    /// Creates `path` if necessary and locks it against other processes. `None` if another process
    /// holds the lock.
    fn lock(&self, path: &Path) -> io::Result<Option<Box<dyn DiskLock>>>;
}

/// An open file. Every call has an offset, so that readers and the writer can share the file.
pub trait DiskFile: Debug + Send + Sync {
    /// Reads up to `buffer.len()` bytes at `offset`. Returns their number, which is 0 at the end of
    /// the file.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize>;

    /// Writes all of `bytes` at `offset`. After an error, some of them may have been written.
    fn write_all_at(&self, bytes: &[u8], offset: u64) -> io::Result<()>;

    /// `fdatasync`: makes all written bytes durable, and the length if it changed. After an error,
    /// the state of every byte written since the last success is unknown, and a retry may report
    /// success without having written them.
    fn sync_data(&self) -> io::Result<()>;

    /// `fsync`: like [`DiskFile::sync_data`], and also makes the other metadata durable.
    fn sync_all(&self) -> io::Result<()>;

    fn len(&self) -> io::Result<u64>;

    fn is_empty(&self) -> io::Result<bool> {
        Ok(self.len()? == 0)
    }

    fn set_len(&self, bytes: u64) -> io::Result<()>;

    /// Fills `buffer` from `offset`.
    ///
    /// # Errors
    /// `UnexpectedEof` if the file ends before the buffer is full; errors of the operating system.
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
        assert_eq!(done, buffer.len(), "a read returns at most what was requested");
        Ok(())
    }

    /// Writes zeros over `from..to` and syncs them, so that the blocks of later writes are
    /// allocated and a later `fdatasync` has no metadata to write.
    ///
    /// Syncs one slice after the other, so that the log's sync of another file waits for one slice
    /// at most.
    fn zero_fill(&self, from: u64, to: u64) -> io::Result<()> {
        assert!(from <= to, "the range does not end before it starts");
        let mut zeros = Blocks::default();
        zeros.pad_to(usize::try_from(to - from).unwrap_or(usize::MAX).min(ZERO_SLICE_BYTES));
        let mut at = from;
        while at < to {
            let slice = (to - at).min(zeros.len() as u64);
            self.write_all_at(&zeros.as_slice()[..slice as usize], at)?;
            self.sync_data()?;
            at += slice;
        }
        Ok(())
    }
}

/// Size of one slice of [`DiskFile::zero_fill`]. A disk takes about a millisecond to write a slice,
/// and a concurrent write may have to wait that long.
const ZERO_SLICE_BYTES: usize = 1 << 20;
