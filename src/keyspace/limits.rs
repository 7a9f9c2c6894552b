//! The limits of collections and of recorded changes, for the documents.

use super::change_stream::{CHANGES_BYTES_MAX, CHANGES_MAX};
use super::collection::{COLLECTION_BYTES_MAX, ELEMENT_BYTES};
use crate::limits::{Limit, limit};

pub const LIMITS: &[Limit] = &[
    limit!(
        COLLECTION_BYTES_MAX,
        Bytes,
        "A list, set, hash or sorted set",
        "`ERR the collection would be larger than 3221225472 bytes`"
    ),
    limit!(ELEMENT_BYTES, Bytes, "Overhead counted for each element", "Covers its length and score."),
    limit!(
        CHANGES_MAX,
        Count,
        "Changed keys that one log entry reports",
        "Beyond, no change of the entry is reported, and caching clients are told to drop everything."
    ),
    limit!(CHANGES_BYTES_MAX, Bytes, "Names of the changed keys", "The same."),
];
