//! The limits of the wire: what one client may make the server hold or do, each with the reason for
//! its value.
//!
//! Invariants, asserted at compile time:
//! * the largest argument fits into the largest request, and the largest reply into the output
//!   buffer;
//! * the memory reserved ahead of the bytes is a small part of what the server may buffer for a
//!   client.

use crate::limits::{Limit, limit};

/// The limits of a listener and all of its connections.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The longest argument: Redis' `proto-max-bulk-len` and its default.
    pub bulk_bytes_max: usize,
    /// The most arguments in a request: Redis' bound before 7.0. An MSET of half a million keys
    /// fits.
    pub arguments_max: usize,
    /// The longest inline command, its line end included: Redis' `PROTO_INLINE_MAX_SIZE`. People
    /// type these.
    pub inline_bytes_max: usize,
    /// The largest request, framing included: Redis' `client-query-buffer-limit`. Without it, a
    /// million arguments of 512 MiB would be a valid request.
    pub request_bytes_max: usize,
    /// The most requests in one batch. Larger batches gain little above about 64, and other
    /// connections wait while a batch runs.
    pub batch_requests_max: usize,
    /// The most bytes of complete requests that wait for their batch; the socket is not read beyond
    /// it.
    pub pipeline_bytes_max: usize,
    /// The most bytes of replies that wait for a client to read them; beyond it the client is
    /// disconnected.
    pub output_bytes_max: usize,
    /// The deepest nesting of a reply. A document nests to 128; a few levels wrap it (EXEC, MGET, a
    /// path's array).
    pub nesting_max: usize,
}

impl Limits {
    pub const DEFAULT: Limits = Limits {
        bulk_bytes_max: 512 << 20,
        arguments_max: 1 << 20,
        inline_bytes_max: 64 << 10,
        request_bytes_max: 1 << 30,
        batch_requests_max: 1024,
        pipeline_bytes_max: 1 << 20,
        output_bytes_max: 1 << 30,
        nesting_max: 160,
    };
}

impl Default for Limits {
    fn default() -> Limits {
        Limits::DEFAULT
    }
}

/// The most memory reserved ahead of the bytes themselves. A length prefix is unverified: ten bytes
/// that announce 512 MiB must not reserve 512 MiB. Reads of this size already make system calls
/// cheap.
pub const READ_AHEAD_BYTES_MAX: usize = 64 << 10;

/// The least free room for a read: enough that a pipeline of small requests arrives in few reads.
pub const READ_BYTES_MIN: usize = 4 << 10;

/// The most words and the longest word in a request of an unauthenticated client, as in Redis: the
/// longest HELLO fits, and such a client cannot make the server hold more.
pub const UNAUTHENTICATED_ARGUMENTS_MAX: usize = 10;
pub const UNAUTHENTICATED_BULK_BYTES_MAX: usize = 16 << 10;

/// The longest `*<number>\r\n` or `$<number>\r\n` that is read. A 64-bit number has at most 20
/// characters.
pub const HEADER_BYTES_MAX: usize = 32;

const _: () = assert!(Limits::DEFAULT.bulk_bytes_max + HEADER_BYTES_MAX < Limits::DEFAULT.request_bytes_max);
const _: () = assert!(Limits::DEFAULT.bulk_bytes_max + HEADER_BYTES_MAX < Limits::DEFAULT.output_bytes_max);
const _: () = assert!(UNAUTHENTICATED_BULK_BYTES_MAX < Limits::DEFAULT.bulk_bytes_max);
const _: () = assert!(READ_BYTES_MIN <= READ_AHEAD_BYTES_MAX);
const _: () = assert!(READ_AHEAD_BYTES_MAX <= Limits::DEFAULT.pipeline_bytes_max);
const _: () = assert!(Limits::DEFAULT.inline_bytes_max <= Limits::DEFAULT.pipeline_bytes_max);
const _: () = assert!(Limits::DEFAULT.nesting_max >= 128 + 8);

/// The limits of the wire, for `docs/limits.md`.
pub const LIMITS: &[Limit] = &[
    limit!(Limits::DEFAULT.bulk_bytes_max, Bytes, "An argument", "Redis' default.")
        .set_by("proto-max-bulk-len"),
    limit!(Limits::DEFAULT.arguments_max, Count, "Arguments of a request", "Redis' bound before 7.0."),
    limit!(
        Limits::DEFAULT.request_bytes_max,
        Bytes,
        "A request",
        "The connection is closed with an error beyond."
    )
    .set_by("client-query-buffer-limit"),
    limit!(Limits::DEFAULT.inline_bytes_max, Bytes, "An inline command", "As in Redis."),
    limit!(UNAUTHENTICATED_BULK_BYTES_MAX, Bytes, "An argument before the login", "As in Redis."),
    limit!(UNAUTHENTICATED_ARGUMENTS_MAX, Count, "Arguments before the login", "As in Redis."),
    limit!(
        Limits::DEFAULT.batch_requests_max,
        Count,
        "Requests in one batch of a connection",
        "The rest is in the next batch."
    ),
    limit!(
        Limits::DEFAULT.pipeline_bytes_max,
        Bytes,
        "Pipelined requests that wait in the server",
        "The rest waits in the socket."
    ),
    limit!(
        Limits::DEFAULT.output_bytes_max,
        Bytes,
        "Replies that wait for one client",
        "The client is disconnected beyond."
    )
    .set_by("client-output-buffer-limit"),
];
