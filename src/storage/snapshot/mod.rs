//! Snapshots: whole states in files that are believed only after every byte was checked.
//!
//! ```text
//! 0  magic   "JVSNAPSH"
//! 8  version u32
//! 12 group   u32
//! 16 index   u64      the last entry that the state contains
//! 24 term    u64
//! 32 meta    u32      bytes of meta data, which follow
//! 36 crc32c  u32      over bytes 0..36 and the meta data
//! 40 meta data, then blocks:
//!    length u32 (not 0) | crc32c u32, over the length and the payload | payload
//!    the trailer:
//!    0 u32 | crc32c u32, over the rest of it | blocks u64 | payload bytes u64 | digest u64
//! ```
//! All little endian. The digest folds length and checksum of every block, in order, into 64 bits.
//! The blocks' checksums find damage within a block and where it is; the digest finds a block lost,
//! doubled or moved. Together they cover the whole at the cost of one pass; against forgers neither
//! helps, nor would a larger sum.
//!
//! Invariants:
//! * A file with a snapshot's name was complete and synced when it got the name.
//! * A reader hands out a block only after its checksum matched, and ends well only after the
//!   digest did.

mod chunks;
mod directory;
mod format;
mod reader;
#[cfg(test)]
mod tests;
mod writer;

pub use chunks::SnapshotReceiver;
pub use directory::{SnapshotDir, SnapshotFile};
pub use reader::SnapshotReader;
pub use writer::SnapshotWriter;

/// The payload a block may have at most; the writer's caller cuts its state into such blocks. 1
/// MiB: damage is found soon, memory for one block is nothing, and its eight bytes of header are
/// less.
pub const BLOCK_BYTES_MAX: usize = 1 << 20;

/// The meta data a snapshot may have at most.
pub const META_BYTES_MAX: usize = 1 << 20;
