//! Snapshots: files with the whole state, which are used only after every byte has been checked.
//!
//! ```text
//! 0  magic   "JVSNAPSH"
//! 8  format  u32
//! 12 group   u32
//! 16 index   u64      the last entry that the state contains
//! 24 term    u64
//! 32 meta    u32      length of the metadata that follows
//! 36 crc32c  u32      over bytes 0..36 and the metadata
//! 40 metadata (in format 3, the cluster version u32 is its end), then blocks:
//!    length u32 (not 0) | crc32c u32 over length and payload | payload
//!    the trailer:
//!    0 u32 | crc32c u32 over the rest of the trailer | blocks u64 | payload bytes u64 | digest u64
//! ```
//! Numbers are little-endian. Format 2 is that of the first cluster version, and names none. A
//! later one is written in format 3, so that the first release refuses the file.
//!
//! The digest combines the length and the checksum of every block, in order, into 64 bits. A
//! block's checksum detects damage within the block; the digest detects a lost, duplicated or moved
//! block. Together they cover the whole file in one pass. Neither protects against forgery; a
//! longer checksum would not, either.
//!
//! Invariants:
//! * A file with a snapshot's name was complete and synced when it got the name.
//! * A reader returns a block only after its checksum matched, and reports the end only after the
//!   digest matched.

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

/// Maximum payload of a block. With 1 MiB, damage is found early, one block takes little memory,
/// and the eight bytes of its header are negligible. The caller of the writer divides the state
/// into such blocks.
pub const BLOCK_BYTES_MAX: usize = 1 << 20;

/// Maximum size of a snapshot's metadata.
pub const META_BYTES_MAX: usize = 1 << 20;
