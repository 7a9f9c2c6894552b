//! Strings: arbitrary bytes as the value of a key. A write may lengthen a string up to
//! [`TEXT_BYTES_MAX`].
//!
//! [`decimal`] adds numbers exactly, for INCRBYFLOAT and HINCRBYFLOAT.

pub mod bitfield;
pub mod decimal;
pub mod edit;
pub mod number;
pub mod read;
pub mod replace;
pub mod set;

use crate::error::CommandError;
use crate::keyspace::{EntryRef, ValueRef, View};

/// Maximum length of a string that APPEND, SETRANGE or BITFIELD produces: the default of Redis'
/// setting `proto-max-bulk-len`.
pub(super) const TEXT_BYTES_MAX: usize = 512 << 20;

const TOO_LONG: CommandError =
    CommandError::fixed("ERR string exceeds maximum allowed size (proto-max-bulk-len)");

/// The bytes of a string; an error if the entry has another type.
fn bytes_of(entry: EntryRef<'_>) -> Result<&[u8], CommandError> {
    match entry.value {
        ValueRef::Text(bytes) => Ok(bytes),
        _ => Err(CommandError::WRONG_KIND),
    }
}

/// The result of `with` on the string under `key`; `None` if the key does not exist, and an error
/// if it holds another type.
fn with_text<T>(
    keyspace: &View<'_>,
    key: &[u8],
    with: impl FnOnce(&[u8]) -> T,
) -> Result<Option<T>, CommandError> {
    keyspace.with(key, |entry| bytes_of(entry).map(with)).transpose()
}
