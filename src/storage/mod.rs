//! What survives a restart: the data directory, the log and the snapshots.
//!
//! * [DataDir]: whose directory this is, and the lock on it.
//! * [`Log`]: the entries of one Raft group, its vote and what it knows to be committed.
//! * [`SnapshotDir`]: whole states, written by one process and checked before they are believed.
//!
//! All of it is blocking, knows nothing of consensus, and reaches files only through
//! [`crate::env::Disk`].

pub mod log;
mod node_file;
pub mod snapshot;

pub use log::{Cut, Entry, Log, NoSpace, Options, Recovered, Room, Stats};
pub use node_file::{DataDir, FORMAT_VERSION, Identity};
pub use snapshot::{SnapshotDir, SnapshotFile, SnapshotReader, SnapshotReceiver, SnapshotWriter};

use std::io;
use std::path::Path;

use crate::error::Fatal;

/// Says which file, and what was being done to it.
pub(crate) fn disk_error(path: &Path, action: &'static str) -> impl FnOnce(io::Error) -> Fatal {
    move |error| Fatal::Disk { path: path.to_owned(), action, reason: error.to_string() }
}

pub(crate) fn corrupt(path: &Path, offset: u64, reason: impl Into<String>) -> Fatal {
    Fatal::Corrupt { path: path.to_owned(), offset, reason: reason.into() }
}
