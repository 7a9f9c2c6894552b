//! The limits of documents: size and depth.

use crate::error::CommandError;
use crate::limits::{Limit, limit};

/// The maximum nesting of containers, the same as in RedisJSON. It limits every recursion of this
/// module to a few kilobytes of stack.
pub const DEPTH_MAX: usize = 128;

/// The maximum size of a document under any [`ParseLimits`]; the setting `document-max-bytes` has a
/// lower maximum. The encoding has 4 bytes for a size, one edit may multiply a document before its
/// size is checked, and a log entry holds a whole document.
pub const DOCUMENT_BYTES_CEILING: usize = 1 << 30;

/// The default of `document-max-bytes`: ten times the largest documents that users report keeping
/// in Redis. 64 MiB are parsed and replicated well within an election timeout.
pub const DOCUMENT_BYTES_DEFAULT: usize = 64 << 20;

const _: () = assert!(DOCUMENT_BYTES_DEFAULT <= DOCUMENT_BYTES_CEILING);
const _: () =
    assert!(DOCUMENT_BYTES_CEILING < u32::MAX as usize / 3, "an encoding may be 3 times as long as its text");

/// The limits that a parse or an edit applies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ParseLimits {
    /// The maximum length of the JSON text, and of the encoded document.
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

/// The error of an edit that would nest containers deeper than [`DEPTH_MAX`].
pub const TOO_DEEP: CommandError = CommandError::fixed("ERR recursion limit exceeded");
/// The error of an edit that would make the document larger than
/// [`ParseLimits::document_bytes_max`].
pub const TOO_LARGE: CommandError = CommandError::fixed("ERR the document would be larger than the limit");

/// The limits of documents, for `docs/limits.md`.
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
