//! The limits of the wire protocol: how much memory and work one client can cause, with the reason
//! for each value.
//!
//! Invariants, asserted at compile time:
//! * the largest argument fits into the largest request, and the largest bulk string into the
//!   output buffer;
//! * the memory that is reserved before bytes arrive is a small part of what the server may buffer
//!   for a client.

use crate::limits::{Limit, limit};

/// The limits for a listener and all of its connections.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Maximum length of an argument: `proto-max-bulk-len`, with the same default as in Redis.
    pub bulk_bytes_max: usize,
    /// Maximum number of arguments in a request, the same as in Redis before 7.0. It allows an MSET
    /// of half a million keys.
    pub arguments_max: usize,
    /// Maximum length of an inline command with its line end, the same as Redis'
    /// `PROTO_INLINE_MAX_SIZE`. Inline commands are meant to be typed by hand.
    pub inline_bytes_max: usize,
    /// Maximum size of a request, framing included: `client-query-buffer-limit`. Without this
    /// limit, a million arguments of 512 MiB would be a valid request.
    pub request_bytes_max: usize,
    /// Maximum number of requests in one batch. Batches above about 64 requests gain little, and
    /// other connections wait while a batch runs.
    pub batch_requests_max: usize,
    /// Maximum bytes of complete requests that wait for their batch. Beyond this, the socket is not
    /// read.
    pub pipeline_bytes_max: usize,
    /// Maximum bytes of replies that wait for a client to read them. Beyond this, the client is
    /// disconnected.
    pub output_bytes_max: usize,
    /// Maximum nesting of a reply. A document may nest to 128 levels, and EXEC, MGET or a path's
    /// array add a few.
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

/// Maximum memory that is reserved before the bytes arrive. A length prefix cannot be trusted: ten
/// bytes that announce 512 MiB must not reserve 512 MiB. Reads of this size are large enough to
/// keep system calls few.
pub const READ_AHEAD_BYTES_MAX: usize = 64 << 10;

/// Minimum free room for a read: enough that a pipeline of small requests arrives in few reads.
pub const READ_BYTES_MIN: usize = 4 << 10;

/// Maximum number and length of the words in a request of an unauthenticated client, as in Redis.
/// The longest HELLO fits, and the server buffers no more for such a client.
pub const UNAUTHENTICATED_ARGUMENTS_MAX: usize = 10;
pub const UNAUTHENTICATED_BULK_BYTES_MAX: usize = 16 << 10;

/// Maximum length of a `*<number>\r\n` or `$<number>\r\n`. A 64-bit number has at most 20
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
        "A larger request is an error, and the connection is closed."
    )
    .set_by("client-query-buffer-limit"),
    limit!(Limits::DEFAULT.inline_bytes_max, Bytes, "An inline command", "As in Redis."),
    limit!(UNAUTHENTICATED_BULK_BYTES_MAX, Bytes, "An argument before the login", "As in Redis."),
    limit!(UNAUTHENTICATED_ARGUMENTS_MAX, Count, "Arguments before the login", "As in Redis."),
    limit!(
        Limits::DEFAULT.batch_requests_max,
        Count,
        "Requests in one batch of a connection",
        "Further requests are in the next batch."
    ),
    limit!(
        Limits::DEFAULT.pipeline_bytes_max,
        Bytes,
        "Pipelined requests that wait in the server",
        "Further requests are not read from the socket yet."
    ),
    limit!(
        Limits::DEFAULT.output_bytes_max,
        Bytes,
        "Replies that wait for one client",
        "Beyond it, the client is disconnected."
    )
    .set_by("client-output-buffer-limit"),
];
