//! A reply, independent of the protocol version.

use bytes::Bytes;

use crate::error::{CommandError, Unavailable};

/// A reply, which the encoder writes in RESP2 or RESP3. Types that RESP2 lacks are replaced as in
/// Redis: a map by a flat array, a double by a bulk string, a boolean by 1 or 0, a set by an array.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub enum Reply {
    Simple(#[serde(deserialize_with = "simple")] Fixed),
    Error(CommandError),
    Unavailable(Unavailable),
    Integer(i64),
    Double(f64),
    Boolean(bool),
    Bulk(Bytes),
    /// A plain text that is marked as such in RESP3 (`=15\r\ntxt:..`); a bulk string in RESP2.
    Verbatim(Bytes),
    Null,
    /// A null in place of an array; `*-1` in RESP2.
    NullArray,
    Array(Vec<Reply>),
    Set(Vec<Reply>),
    Map(Vec<(Reply, Reply)>),
    /// A message of pub/sub, including the confirmation of a subscription, or of client tracking.
    /// In RESP2 it is an array.
    Push(Vec<Reply>),
    /// Several replies in sequence, for a request that has more than one.
    Several(Vec<Reply>),
}

/// An alias, because serde would take a literal `&'static str` for a text that is borrowed from the
/// input.
type Fixed = &'static str;

/// The simple strings that a read or a write may return. The leader sends such replies to other
/// nodes, and deserialization turns each into this constant.
const SIMPLE: [&str; 14] = [
    "OK",
    "QUEUED",
    "PONG",
    "none",
    "string",
    "list",
    "set",
    "hash",
    "zset",
    "ReJSON-RL",
    "true",
    "false",
    "[",
    "{",
];

fn simple<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<&'static str, D::Error> {
    let text: String = serde::Deserialize::deserialize(deserializer)?;
    let known = SIMPLE.iter().find(|known| **known == text);
    known.copied().ok_or_else(|| serde::de::Error::custom("a simple string that no command returns"))
}

impl Reply {
    pub const OK: Reply = Reply::Simple("OK");

    pub fn bulk(bytes: impl Into<Bytes>) -> Reply {
        Reply::Bulk(bytes.into())
    }

    /// A bulk string of a static text.
    pub fn word(text: &'static str) -> Reply {
        Reply::Bulk(Bytes::from_static(text.as_bytes()))
    }

    /// The approximate memory of the reply in bytes, including the `Reply` value itself.
    pub fn bytes(&self) -> usize {
        let all = |parts: &[Reply]| parts.iter().map(Reply::bytes).sum();
        let inner = match self {
            Reply::Bulk(bytes) | Reply::Verbatim(bytes) => bytes.len(),
            Reply::Error(error) => error.line().len(),
            Reply::Array(parts) | Reply::Set(parts) | Reply::Push(parts) | Reply::Several(parts) => {
                all(parts)
            }
            Reply::Map(pairs) => pairs.iter().map(|(name, value)| name.bytes() + value.bytes()).sum(),
            _ => 0,
        };
        size_of::<Reply>() + inner
    }

    pub fn is_error(&self) -> bool {
        matches!(self, Reply::Error(_) | Reply::Unavailable(_))
    }
}

impl From<CommandError> for Reply {
    fn from(error: CommandError) -> Reply {
        Reply::Error(error)
    }
}

impl From<Unavailable> for Reply {
    fn from(unavailable: Unavailable) -> Reply {
        Reply::Unavailable(unavailable)
    }
}

impl From<Result<Reply, CommandError>> for Reply {
    fn from(result: Result<Reply, CommandError>) -> Reply {
        result.unwrap_or_else(Reply::Error)
    }
}

/// The protocol version of a connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Protocol {
    #[default]
    Resp2,
    Resp3,
}
