//! How large a document may be, and how deep.

use crate::error::CommandError;
use crate::limits::{Limit, limit};

/// How many containers may enclose each other. It is RedisJSON's limit, and it bounds every
/// recursion of this module to a few kilobytes of stack.
pub const DEPTH_MAX: usize = 128;

/// No limit may be set above this: sizes are 4 bytes in the encoding, one edit may multiply a
/// document before its size is looked at again, and a Raft entry has to carry the document whole.
pub const DOCUMENT_BYTES_CEILING: usize = 1 << 30;

/// 64 MiB: ten times the largest documents that people report keeping in Redis, parsed and
/// replicated in well under an election timeout.
pub const DOCUMENT_BYTES_DEFAULT: usize = 64 << 20;

const _: () = assert!(DOCUMENT_BYTES_DEFAULT <= DOCUMENT_BYTES_CEILING);
const _: () = assert!(DOCUMENT_BYTES_CEILING < u32::MAX as usize / 3, "an encoding may be 3 times its text");

/// What a document may be after it was parsed or edited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ParseLimits {
    /// For the JSON text and for the encoded document alike.
    pub document_bytes_max: usize,
}

impl Default for ParseLimits {
    fn default() -> ParseLimits {
        ParseLimits { document_bytes_max: DOCUMENT_BYTES_DEFAULT }
    }
}

impl ParseLimits {
    pub fn admits(&self, bytes: usize) -> bool {
        bytes <= self.document_bytes_max.min(DOCUMENT_BYTES_CEILING)
    }
}

/// An edit would nest containers deeper than [`DEPTH_MAX`].
pub const TOO_DEEP: CommandError = CommandError::fixed("ERR recursion limit exceeded");
/// An edit would make the document larger than [`ParseLimits::document_bytes_max`].
pub const TOO_LARGE: CommandError = CommandError::fixed("ERR the document would be larger than the limit");

/// The limits of documents.
pub const LIMITS: &[Limit] = &[
    limit!(
        DOCUMENT_BYTES_DEFAULT,
        Bytes,
        "A document, as text and as encoded",
        "`ERR the document would be larger than the limit`"
    )
    .set_by("document-max-bytes"),
    limit!(
        DEPTH_MAX,
        Count,
        "Nested containers of a document",
        "RedisJSON's limit. `recursion limit exceeded at line 1 column 129`"
    ),
];
