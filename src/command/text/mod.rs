//! Redis strings: any bytes under a key.
pub mod append;
pub mod get;
pub mod getdel;
pub mod getex;
pub mod incr;
pub mod incrbyfloat;
pub mod mget;
pub mod mset;
pub mod set;
pub mod setex;
pub mod setnx;
pub mod strlen;

use crate::error::Answer;
use crate::keyspace::{Entry, Value, Writer};

/// The longest string that APPEND may leave: Redis' own bound, `proto-max-bulk-len`.
const TEXT_BYTES_MAX: usize = 512 << 20;

/// The bytes of an entry; an error when it holds something else.
fn bytes_of(entry: &Entry) -> Result<&[u8], Answer> {
    match &entry.value {
        Value::Text(bytes) => Ok(bytes),
        Value::Json(_) => Err(Answer::WRONG_KIND),
    }
}

/// What `with` makes of the string under `key`; an error when the key holds something else.
fn with_text<T>(
    keyspace: &Writer<'_>,
    key: &[u8],
    with: impl FnOnce(&[u8]) -> T,
) -> Result<Option<T>, Answer> {
    keyspace.with(key, |entry| bytes_of(entry).map(with)).transpose()
}
