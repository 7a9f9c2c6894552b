//! The limits between nodes.

use super::pubsub_relay as relay;
use super::rpc_service::REPLIES_BYTES_MAX;
use crate::limits::{Limit, limit};

pub const LIMITS: &[Limit] = &[
    limit!(
        REPLIES_BYTES_MAX,
        Bytes,
        "Replies to a batch of writes that a follower forwarded",
        "`UNCERTAIN` in place of the replies beyond; the writes are applied."
    ),
    limit!(
        relay::WAITING_MAX,
        Count,
        "Published messages that wait for another node",
        "Further messages for that node are dropped."
    ),
    limit!(relay::WAITING_BYTES_MAX, Bytes, "The bytes of those messages", "The same."),
];
