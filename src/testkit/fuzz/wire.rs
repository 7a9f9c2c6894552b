//! Decodes arbitrary bytes as requests and as replies.

use bytes::BytesMut;

use crate::resp::limits::{READ_AHEAD_BYTES_MAX, READ_BYTES_MIN};
use crate::resp::{Decoder, Limits, ReplyDecoder, Request};

/// Small limits, so that short inputs reach them.
fn small_limits() -> Limits {
    Limits {
        bulk_bytes_max: 64,
        arguments_max: 16,
        inline_bytes_max: 48,
        request_bytes_max: 256,
        nesting_max: 8,
        ..Limits::DEFAULT
    }
}

/// Decodes `data` as requests, at once and in pieces, whose sizes are derived from `data`, with
/// small and with normal limits.
///
/// # Panics
/// If the result depends on the pieces, a limit is exceeded, or the decoder panics.
pub fn decode(data: &[u8]) {
    let (seed, stream) = data.split_first().map_or((0, data), |(seed, stream)| (*seed, stream));
    for limits in [small_limits(), Limits::DEFAULT] {
        let whole = read_all(&limits, stream, |_| stream.len().max(1));
        let pieces = read_all(&limits, stream, |round| 1 + (usize::from(seed) * (round + 1)) % 7);
        assert_eq!(whole, pieces, "the result does not depend on how the bytes were split");
        for request in &whole.0 {
            assert!(request.words().len() <= limits.arguments_max.max(limits.inline_bytes_max));
            assert!(request.bytes() <= limits.request_bytes_max);
        }
    }
}

/// Decodes the requests in `stream`, which is appended in pieces of `size(round)` bytes. Returns
/// them with the error that ended the stream.
fn read_all(limits: &Limits, stream: &[u8], size: impl Fn(usize) -> usize) -> (Vec<Request>, Option<String>) {
    let mut decoder = Decoder::new(limits.clone());
    let (mut buffer, mut requests) = (BytesMut::new(), Vec::new());
    let (mut rest, mut round) = (stream, 0);
    while !rest.is_empty() {
        let (piece, tail) = rest.split_at(size(round).min(rest.len()));
        (rest, round) = (tail, round + 1);
        buffer.extend_from_slice(piece);
        let capacity = buffer.capacity();
        assert!((READ_BYTES_MIN..=READ_AHEAD_BYTES_MAX).contains(&decoder.room_wanted(&buffer)));
        loop {
            let decoded = decoder.decode(&mut buffer);
            assert!(buffer.capacity() <= capacity, "the decoder reserves nothing");
            match decoded {
                Ok(Some(request)) => requests.push(request),
                Ok(None) => break,
                Err(error) => return (requests, Some(error.to_string())),
            }
        }
    }
    (requests, None)
}

/// Decodes `data` as replies, at once and byte by byte.
///
/// # Panics
/// If the two results differ, or the decoder panics.
pub fn decode_reply(data: &[u8]) {
    let at_once = read_replies(data, data.len().max(1));
    let bytewise = read_replies(data, 1);
    assert_eq!(at_once, bytewise, "the result does not depend on how the bytes were split");
}

fn read_replies(data: &[u8], size: usize) -> (Vec<String>, bool) {
    let mut decoder = ReplyDecoder::new(small_limits());
    let (mut buffer, mut replies) = (BytesMut::new(), Vec::new());
    for piece in data.chunks(size) {
        buffer.extend_from_slice(piece);
        loop {
            match decoder.decode(&mut buffer) {
                // Replies are compared as text, because a NaN is not equal to itself as a value.
                Ok(Some(reply)) => replies.push(format!("{reply:?}")),
                Ok(None) => break,
                Err(_) => return (replies, true),
            }
        }
    }
    (replies, false)
}
