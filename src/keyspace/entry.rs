//! What the keyspace holds under a key.

use std::borrow::Borrow;
use std::fmt;
use std::num::NonZeroU64;

use serde::de::{Deserializer, Error, Visitor};
use serde::{Deserialize, Serialize, Serializer};

use crate::json::Document;

/// A key: any bytes. Two words and one allocation.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key(Box<[u8]>);

impl Key {
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl From<&[u8]> for Key {
    fn from(bytes: &[u8]) -> Key {
        Key(Box::from(bytes))
    }
}

impl Borrow<[u8]> for Key {
    fn borrow(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:?}", self.0.escape_ascii().to_string())
    }
}

impl Serialize for Key {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.0)
    }
}

impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Key, D::Error> {
        struct KeyVisitor;
        impl Visitor<'_> for KeyVisitor {
            type Value = Key;
            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("the bytes of a key")
            }
            fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<Key, E> {
                Ok(Key::from(bytes))
            }
        }
        deserializer.deserialize_bytes(KeyVisitor)
    }
}

/// A value of one of the kinds that `TYPE` tells apart.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Value {
    Json(Document),
    /// A Redis string: any bytes.
    Text(Box<[u8]>),
}

impl Value {
    /// What `TYPE` answers.
    pub fn type_name(&self) -> &'static str {
        match self {
            Value::Json(_) => "ReJSON-RL",
            Value::Text(_) => "string",
        }
    }
}

/// A value with its deadline and its version.
///
/// Invariant: `version` is the log index of the entry that last changed the value or the deadline, so it never
/// falls for a key that exists.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    pub value: Value,
    /// Unix time in milliseconds from which on the key is gone.
    pub expires_ms: Option<NonZeroU64>,
    pub version: u64,
}

impl Entry {
    pub fn is_expired(&self, now_ms: u64) -> bool {
        self.expires_ms.is_some_and(|deadline| deadline.get() <= now_ms)
    }
}
