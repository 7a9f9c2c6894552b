//! Redis strings: any bytes under a key.
pub mod append;
pub mod decimal;
pub mod get;
pub mod getdel;
pub mod getex;
pub mod getrange;
pub mod getset;
pub mod incr;
pub mod incrbyfloat;
pub mod mget;
pub mod mset;
pub mod set;
pub mod setex;
pub mod setnx;
pub mod setrange;
pub mod strlen;

use crate::error::Answer;
use crate::keyspace::{Entry, Value, Writer};

/// The longest string that APPEND and SETRANGE may leave: Redis' own bound, `proto-max-bulk-len`.
pub(super) const TEXT_BYTES_MAX: usize = 512 << 20;

const TOO_LONG: Answer = Answer::fixed("ERR string exceeds maximum allowed size (proto-max-bulk-len)");

/// The bytes of an entry; an error when it holds something else.
fn bytes_of(entry: &Entry) -> Result<&[u8], Answer> {
    match &entry.value {
        Value::Text(bytes) => Ok(bytes),
        _ => Err(Answer::WRONG_KIND),
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

/// A whole number in Redis' spelling: no plus sign, no spaces, no leading zeros.
pub fn whole(text: &[u8]) -> Option<i64> {
    let whole: i64 = std::str::from_utf8(text).ok()?.parse().ok()?;
    (itoa::Buffer::new().format(whole).as_bytes() == text).then_some(whole)
}
