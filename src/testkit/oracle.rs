//! Decodes requests with the redis-protocol crate, to check the results of our own decoder and to
//! compare its speed in `benchmarks/resp.rs`.

use bytes::{Bytes, BytesMut};
use redis_protocol::resp2::decode::decode_bytes_mut;
use redis_protocol::resp2::types::BytesFrame;

/// Decodes the next request with redis-protocol. Returns its arguments, or `None` unless there is a
/// complete, non-empty array of bulk strings at the front of `buffer`. No limit is applied, and no
/// state is kept between calls.
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
