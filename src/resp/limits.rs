//! What a client may make the server hold or do, each with a name and the reason for its number.
//!
//! Invariants, asserted when the program is compiled:
//! * the largest argument fits into the largest request, and the largest reply into the output
//!   buffer;
//! * what is reserved ahead of the bytes is a small part of what a client may make us buffer.

use crate::limits::{Limit, limit};

/// Sizes in bytes, counts in pieces. One value serves a listener and all of its connections.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The longest argument. Redis' `proto-max-bulk-len` and its default; operators know it by that
    /// name.
    pub bulk_bytes_max: usize,
    /// The most arguments in a request. Redis' bound before 7.0; an MSET of half a million keys
    /// fits.
    pub arguments_max: usize,
    /// The longest inline command, its line end included. Redis' `PROTO_INLINE_MAX_SIZE`: a person
    /// types these.
    pub inline_bytes_max: usize,
    /// The largest request, framing included. Redis' `client-query-buffer-limit`: without it, a
    /// million arguments of 512 MiB would be one legal request.
    pub request_bytes_max: usize,
    /// The most requests that are answered as one batch. The gain of batching is flat from about 64
    /// on, and other connections wait while a batch runs.
    pub batch_requests_max: usize,
    /// The most bytes of complete requests that wait for their batch; the socket isn't read beyond
    /// it.
    pub pipeline_bytes_max: usize,
    /// The most bytes of replies that wait for a client to read them; beyond it the client is cut
    /// off.
    pub output_bytes_max: usize,
    /// How deep a reply may nest. A document nests to 128; a few levels wrap it (EXEC, MGET, a
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

/// The most that is reserved ahead of the bytes themselves. A length field is a claim: ten bytes
/// that promise 512 MiB must not cost 512 MiB, while reads of this size keep the cost of a system
/// call small.
pub const READ_AHEAD_BYTES_MAX: usize = 64 << 10;

/// The least free room that a read is given: a few small requests, so that a pipeline arrives in
/// few reads.
pub const READ_BYTES_MIN: usize = 4 << 10;

/// The most words and the longest word of a client that has not said who it is. Redis' numbers: the
/// longest HELLO fits, and a stranger has us hold no more than this.
pub const STRANGER_ARGUMENTS_MAX: usize = 10;
pub const STRANGER_BULK_BYTES_MAX: usize = 16 << 10;

/// The longest `*<number>\r\n` or `$<number>\r\n` that is looked at. A 64-bit number has at most 20
/// characters.
pub const HEADER_BYTES_MAX: usize = 32;

const _: () = assert!(Limits::DEFAULT.bulk_bytes_max + HEADER_BYTES_MAX < Limits::DEFAULT.request_bytes_max);
const _: () = assert!(Limits::DEFAULT.bulk_bytes_max + HEADER_BYTES_MAX < Limits::DEFAULT.output_bytes_max);
const _: () = assert!(STRANGER_BULK_BYTES_MAX < Limits::DEFAULT.bulk_bytes_max);
const _: () = assert!(READ_BYTES_MIN <= READ_AHEAD_BYTES_MAX);
const _: () = assert!(READ_AHEAD_BYTES_MAX <= Limits::DEFAULT.pipeline_bytes_max);
const _: () = assert!(Limits::DEFAULT.inline_bytes_max <= Limits::DEFAULT.pipeline_bytes_max);
const _: () = assert!(Limits::DEFAULT.nesting_max >= 128 + 8);

/// The limits of the wire, for the documents.
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
    limit!(STRANGER_BULK_BYTES_MAX, Bytes, "An argument before the login", "As in Redis."),
    limit!(STRANGER_ARGUMENTS_MAX, Count, "Arguments before the login", "As in Redis."),
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
