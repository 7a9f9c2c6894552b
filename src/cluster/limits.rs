//! The limits on messages and connections between nodes.

use super::pubsub_relay as relay;
use super::rpc_service::REPLIES_BYTES_MAX;
use crate::limits::{Limit, limit};
use crate::peer::{FRAME_TIME_MAX, IDLE_MAX, SMALL_FRAME_BYTES_MAX};

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
    limit!(
        FRAME_TIME_MAX.as_secs(),
        Seconds,
        "Time for which a message of another node may be on its way, from its first byte",
        "The connection is closed."
    ),
    limit!(
        IDLE_MAX.as_secs(),
        Seconds,
        "Time for which a connection of another node may be idle",
        "It is closed; the other node opens another one."
    ),
    limit!(
        SMALL_FRAME_BYTES_MAX,
        Bytes,
        "Messages of nodes that are no members, but for one at a time",
        "Larger ones wait for each other."
    ),
];
