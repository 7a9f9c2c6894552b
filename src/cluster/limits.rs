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
        "Replies beyond it are replaced by `UNCERTAIN`; their writes are applied."
    ),
    limit!(
        relay::WAITING_MAX,
        Count,
        "Published messages that wait for another node",
        "Further messages for that node are dropped."
    ),
    limit!(
        relay::WAITING_BYTES_MAX,
        Bytes,
        "Published messages that wait for another node",
        "Further messages for that node are dropped."
    ),
    limit!(
        FRAME_TIME_MAX.as_secs(),
        Seconds,
        "Time within which a message from another node must be complete, from its first byte",
        "The connection is closed."
    ),
    limit!(
        IDLE_MAX.as_secs(),
        Seconds,
        "Time for which a connection from another node may be idle",
        "It is closed; the other node opens another one."
    ),
    limit!(
        SMALL_FRAME_BYTES_MAX,
        Bytes,
        "Messages that are read concurrently from nodes that are not members",
        "Larger ones are read one at a time."
    ),
];
