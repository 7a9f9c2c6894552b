//! Reads replies for a client: the guard checks them, and redis-protocol decodes them.
//!
//! Invariant: only whole replies leave the buffer, so a connection that ends in the middle of a
//! reply yields no part of it.

use bytes::{Bytes, BytesMut};
use redis_protocol::resp2::{decode as resp2, types::BytesFrame as Frame2};
use redis_protocol::resp3::{decode::complete as resp3, types::BytesFrame as Frame3};

use super::guard::Guard;
use super::limits::Limits;

/// A server's reply in either protocol version. A text is kept as bytes if it need not be UTF-8.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    Simple(Bytes),
    /// The line of an error, without the `-`.
    Error(String),
    Integer(i64),
    Double(f64),
    Boolean(bool),
    Bulk(Bytes),
    Verbatim(Bytes),
    /// The digits of a whole number that does not fit 64 bits.
    BigNumber(Bytes),
    Null,
    Array(Vec<Value>),
    Set(Vec<Value>),
    /// The pairs of a map in the server's order. They are not in a hash table, because keys may
    /// have any type.
    Map(Vec<(Value, Value)>),
    Push(Vec<Value>),
}

impl Value {
    /// The bytes of a text of any type; `None` for other values.
    pub fn text(&self) -> Option<&Bytes> {
        match self {
            Value::Simple(bytes) | Value::Bulk(bytes) | Value::Verbatim(bytes) => Some(bytes),
            _ => None,
        }
    }

    /// The members of an array, a set or a push message; `None` for other values.
    pub fn items(&self) -> Option<&[Value]> {
        match self {
            Value::Array(items) | Value::Set(items) | Value::Push(items) => Some(items),
            _ => None,
        }
    }

    /// The pairs of a map, or of the flat array that RESP2 has instead.
    pub fn pairs(&self) -> Option<Vec<(&Value, &Value)>> {
        match self {
            Value::Map(pairs) => Some(pairs.iter().map(|(key, value)| (key, value)).collect()),
            Value::Array(items) if items.len() % 2 == 0 => {
                Some(items.chunks_exact(2).map(|pair| (&pair[0], &pair[1])).collect())
            }
            _ => None,
        }
    }
}

/// The reason why bytes from a server are not a reply. The connection cannot be used after that.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReplyError {
    #[error("the reply is malformed")]
    Malformed,
    #[error("the reply is too big")]
    TooBig,
    #[error("the reply nests too deeply")]
    TooDeep,
    #[error("the reply can't be read: {0}")]
    Undecodable(String),
}

/// The decoding state of one connection's input. Whether a reply is RESP2 or RESP3 follows from its
/// types.
#[derive(Debug)]
pub struct ReplyDecoder {
    limits: Limits,
    guard: Guard,
}

impl ReplyDecoder {
    /// Creates a decoder. It applies `bulk_bytes_max`, `output_bytes_max` and `nesting_max` of
    /// `limits`.
    pub fn new(limits: Limits) -> ReplyDecoder {
        ReplyDecoder { limits, guard: Guard::default() }
    }

    /// The next reply at the front of `buffer`, or `None` until more bytes have been appended to
    /// it.
    ///
    /// # Errors
    /// [`ReplyError`]. Nothing more can be read from the stream after that.
    pub fn decode(&mut self, buffer: &mut BytesMut) -> Result<Option<Value>, ReplyError> {
        let Some(size) = self.guard.frame_bytes(buffer, &self.limits)? else { return Ok(None) };
        let guard = std::mem::take(&mut self.guard);
        let frame = buffer.split_to(size).freeze();
        let value = match (guard.resp3, guard.resp2_null) {
            (false, _) => decode_resp2(&frame),
            (true, false) => decode_resp3(&frame),
            (true, true) => Err(ReplyError::Malformed),
        }?;
        Ok(Some(value))
    }
}

fn decode_resp2(frame: &Bytes) -> Result<Value, ReplyError> {
    match resp2::decode_bytes(frame) {
        Ok(Some((decoded, size))) => {
            assert_eq!(size, frame.len(), "the guard and redis-protocol find the same end");
            Ok(from_resp2(decoded))
        }
        Ok(None) => Err(ReplyError::Malformed),
        Err(error) => Err(ReplyError::Undecodable(error.to_string())),
    }
}

fn decode_resp3(frame: &Bytes) -> Result<Value, ReplyError> {
    match resp3::decode_bytes(frame) {
        Ok(Some((decoded, size))) => {
            assert_eq!(size, frame.len(), "the guard and redis-protocol find the same end");
            from_resp3(decoded)
        }
        Ok(None) => Err(ReplyError::Malformed),
        Err(error) => Err(ReplyError::Undecodable(error.to_string())),
    }
}

fn from_resp2(frame: Frame2) -> Value {
    match frame {
        Frame2::SimpleString(data) => Value::Simple(data),
        Frame2::Error(data) => Value::Error(data.to_string()),
        Frame2::Integer(data) => Value::Integer(data),
        Frame2::BulkString(data) => Value::Bulk(data),
        Frame2::Array(data) => Value::Array(data.into_iter().map(from_resp2).collect()),
        Frame2::Null => Value::Null,
    }
}

fn from_resp3(frame: Frame3) -> Result<Value, ReplyError> {
    let many = |data: Vec<Frame3>| data.into_iter().map(from_resp3).collect::<Result<Vec<_>, _>>();
    Ok(match frame {
        Frame3::BlobString { data, .. } => Value::Bulk(data),
        Frame3::BlobError { data, .. } => Value::Error(String::from_utf8_lossy(&data).into_owned()),
        Frame3::SimpleString { data, .. } => Value::Simple(data),
        Frame3::SimpleError { data, .. } => Value::Error(data.to_string()),
        Frame3::Boolean { data, .. } => Value::Boolean(data),
        Frame3::Null => Value::Null,
        Frame3::Number { data, .. } => Value::Integer(data),
        Frame3::Double { data, .. } => Value::Double(data),
        Frame3::BigNumber { data, .. } => Value::BigNumber(data),
        Frame3::VerbatimString { data, .. } => Value::Verbatim(data),
        Frame3::Array { data, .. } => Value::Array(many(data)?),
        Frame3::Push { data, .. } => Value::Push(many(data)?),
        Frame3::Set { data, .. } => Value::Set(many(data.into_iter().collect())?),
        Frame3::Map { data, .. } => {
            // The pairs are reversed, because redis-protocol lists those of a map from the last to
            // the first.
            let pairs = data.into_iter().rev().map(|(key, value)| Ok((from_resp3(key)?, from_resp3(value)?)));
            Value::Map(pairs.collect::<Result<Vec<_>, ReplyError>>()?)
        }
        Frame3::ChunkedString(_) | Frame3::Hello { .. } => return Err(ReplyError::Malformed),
    })
}

#[cfg(test)]
#[path = "reader_tests.rs"]
mod tests;
