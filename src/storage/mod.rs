//! Data that survives a restart: the data directory, the log and the snapshots.
//!
//! * [`DataDir`]: the identity of the directory's node, and the lock on the directory.
//! * [`Log`]: the entries of one Raft group, its vote and its commit record.
//! * [`SnapshotDir`]: files with the whole state, which are complete before they get their name and
//!   are checked before they are used.
//!
//! All calls block. The module does not depend on consensus, and accesses files only through
//! [`crate::env::Disk`].
//!
//! Invariants:
//! * everything that was reported durable is found again, or opening fails and names file and
//!   offset;
//! * a failed sync is never retried: the kernel may have dropped the dirty pages;
//! * a file gets its final name only when it is complete and synced.

pub mod log;
mod node_file;
mod owner;
pub mod snapshot;

pub use log::{Cut, Entry, Log, NoSpace, Options, Recovered, Room, Stats};
pub use node_file::DataDir;
pub use owner::{Identity, VersionRecord};
pub use snapshot::{SnapshotDir, SnapshotFile, SnapshotReader, SnapshotReceiver, SnapshotWriter};

use std::io;
use std::path::Path;

use crate::error::Fatal;

/// Converts an I/O error to [`Fatal::Disk`], with the path and the action that failed.
pub(crate) fn disk_error(path: &Path, action: &'static str) -> impl FnOnce(io::Error) -> Fatal {
    move |error| Fatal::Disk { path: path.to_owned(), action, reason: error.to_string() }
}

pub(crate) fn corrupt(path: &Path, offset: u64, reason: impl Into<String>) -> Fatal {
    Fatal::Corrupt { path: path.to_owned(), offset, reason: reason.into() }
}
