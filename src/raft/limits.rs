//! The limits of the cluster, for the documents.

use super::answer::REPLIES_BYTES_MAX;
use super::notices;
use super::proposer::WAITING_BYTES_MAX;
use crate::limits::{Limit, limit};

pub const LIMITS: &[Limit] = &[
    limit!(WAITING_BYTES_MAX, Bytes, "Writes that wait for the log", "`TRYAGAIN`"),
    limit!(
        REPLIES_BYTES_MAX,
        Bytes,
        "Replies to a batch of writes that a follower forwarded",
        "`UNCERTAIN` in place of the replies beyond; the writes are done."
    ),
    limit!(
        notices::WAITING_MAX,
        Count,
        "Published messages that wait for another node",
        "Further messages for that node are dropped."
    ),
    limit!(notices::WAITING_BYTES_MAX, Bytes, "The bytes of those messages", "The same."),
];
