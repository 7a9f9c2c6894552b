//! What a command answers, before a protocol version has been chosen for it.

use bytes::Bytes;

use crate::error::{CommandError, Unavailable};

/// A reply. The encoder writes each in RESP2 or RESP3; what RESP2 lacks becomes what Redis sends in
/// its place (a map a flat array, a double its text in a bulk string, a boolean 1 or 0, a set an
/// array).
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub enum Reply {
    Simple(#[serde(deserialize_with = "simple")] Fixed),
    Error(CommandError),
    Unavailable(Unavailable),
    Integer(i64),
    Double(f64),
    Boolean(bool),
    Bulk(Bytes),
    /// A text with a format of three letters: RESP3's `=15\r\ntxt:..`; a bulk string in RESP2.
    Verbatim(Bytes),
    Null,
    /// What RESP2 writes as `*-1`: a missing array.
    NullArray,
    Array(Vec<Reply>),
    Set(Vec<Reply>),
    Map(Vec<(Reply, Reply)>),
    /// Something the client did not ask for just now: a message, an invalidation. An array in
    /// RESP2.
    Push(Vec<Reply>),
    /// Replies one after the other, of a request that is answered by more than one.
    Several(Vec<Reply>),
}

/// Under a name of its own, or serde would take it for text borrowed from its input.
type Fixed = &'static str;

/// The simple strings that a command which writes or reads may answer: replies of a leader, those
/// of what was read in a transaction among them, reach clients of other nodes.
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
    known.copied().ok_or_else(|| serde::de::Error::custom("a simple string that no command answers"))
}

impl Reply {
    pub const OK: Reply = Reply::Simple("OK");

    pub fn bulk(bytes: impl Into<Bytes>) -> Reply {
        Reply::Bulk(bytes.into())
    }

    /// A bulk string of a text that outlives the program.
    pub fn word(text: &'static str) -> Reply {
        Reply::Bulk(Bytes::from_static(text.as_bytes()))
    }

    /// About what it takes in memory, in bytes, its own place included.
    pub fn bytes(&self) -> usize {
        let all = |parts: &[Reply]| parts.iter().map(Reply::bytes).sum();
        let inner = match self {
            Reply::Bulk(bytes) | Reply::Verbatim(bytes) => bytes.len(),
            Reply::Error(answer) => answer.line().len(),
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
    fn from(answer: CommandError) -> Reply {
        Reply::Error(answer)
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

/// The protocol version that a connection speaks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Protocol {
    #[default]
    Resp2,
    Resp3,
}
