//! The limits of connections, for the documentation.

use super::connection::STALL_MAX;
use super::pubsub::MESSAGE_BYTES_MAX;
use super::pubsub::clients::{NAME_BYTES_MAX, NAMES_PER_CLIENT_MAX};
use super::pubsub::tracking::{KEY_BYTES_MAX, KEYS_MAX};
use crate::limits::{Limit, limit};

pub const LIMITS: &[Limit] = &[
    limit!(
        NAMES_PER_CLIENT_MAX,
        Count,
        "Channels and patterns of a client",
        "SUBSCRIBE replies with an error and adds none of its names."
    ),
    limit!(NAME_BYTES_MAX, Bytes, "A channel's name", "The same."),
    limit!(MESSAGE_BYTES_MAX, Bytes, "Messages that wait for a subscriber", "The client is disconnected.")
        .set_by("client-output-buffer-limit"),
    limit!(
        KEYS_MAX,
        Count,
        "Keys remembered for caching clients",
        "Another key is invalidated to make room."
    )
    .set_by("tracking-table-max-keys"),
    limit!(
        KEY_BYTES_MAX,
        Bytes,
        "A remembered key",
        "A longer key is not tracked: it is invalidated right after the reply."
    ),
    limit!(
        STALL_MAX.as_secs(),
        Seconds,
        "Time for which a client may accept no byte of its replies",
        "The client is disconnected."
    ),
];
