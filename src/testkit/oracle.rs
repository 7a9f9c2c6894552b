//! Decodes requests with the redis-protocol crate: the cross-check of our own decoder, and its
//! baseline in `benchmarks/resp.rs`.

use bytes::{Bytes, BytesMut};
use redis_protocol::resp2::decode::decode_bytes_mut;
use redis_protocol::resp2::types::BytesFrame;

/// The next request as redis-protocol decodes it: its arguments, or `None` for anything but a
/// complete, non-empty array of bulk strings at the front of `buffer`. It applies no limit and
/// keeps no state between calls.
pub fn decode_request_by_redis_protocol(buffer: &mut BytesMut) -> Option<Vec<Bytes>> {
    let (frame, _, _) = decode_bytes_mut(buffer).ok().flatten()?;
    let BytesFrame::Array(frames) = frame else { return None };
    let arguments: Option<Vec<Bytes>> = frames
        .into_iter()
        .map(|frame| match frame {
            BytesFrame::BulkString(argument) => Some(argument),
            _ => None,
        })
        .collect();
    arguments.filter(|arguments| !arguments.is_empty())
}
