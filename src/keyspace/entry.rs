//! The content of the keyspace under one key: a value, a deadline and a version.

use std::borrow::Borrow;
use std::fmt;
use std::hash::{Hash as _, Hasher};
use std::num::NonZeroU64;
use std::sync::Arc;

use serde::de::{Deserializer, Error, Visitor};
use serde::{Deserialize, Serialize, Serializer};

use super::{Collection, Hash, List, Set, SortedSet};
use crate::json::Document;

/// A key: any bytes, held in two words and one allocation.
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
                out.write_str("a byte string as a key")
            }
            fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<Key, E> {
                Ok(Key::from(bytes))
            }
        }
        deserializer.deserialize_bytes(KeyVisitor)
    }
}

/// A value of one of the types that `TYPE` distinguishes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Value {
    Json(Document),
    /// A Redis string: any bytes.
    Text(Box<[u8]>),
    List(#[serde(with = "shared")] Arc<List>),
    Set(#[serde(with = "shared")] Arc<Set>),
    Hash(#[serde(with = "shared")] Arc<Hash>),
    SortedSet(#[serde(with = "shared")] Arc<SortedSet>),
}

/// Serializes a shared collection like one that is not shared.
mod shared {
    use std::sync::Arc;

    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub fn serialize<T: Serialize, S: Serializer>(shared: &Arc<T>, serializer: S) -> Result<S::Ok, S::Error> {
        T::serialize(shared, serializer)
    }

    pub fn deserialize<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Arc<T>, D::Error> {
        T::deserialize(deserializer).map(Arc::new)
    }
}

impl Value {
    pub fn borrowed(&self) -> ValueRef<'_> {
        match self {
            Value::Json(document) => ValueRef::Json(document.encoded()),
            Value::Text(text) => ValueRef::Text(text),
            Value::List(list) => ValueRef::List(list),
            Value::Set(set) => ValueRef::Set(set),
            Value::Hash(hash) => ValueRef::Hash(hash),
            Value::SortedSet(sorted) => ValueRef::SortedSet(sorted),
        }
    }
}

/// A [`Value`] where it lies in memory. It is serialized as a [`Value`] is, so both enums have the
/// same variants in the same order.
#[derive(Clone, Copy, Debug, Serialize)]
pub enum ValueRef<'a> {
    /// The encoding of a document.
    Json(#[serde(serialize_with = "as_bytes")] &'a [u8]),
    Text(#[serde(serialize_with = "as_bytes")] &'a [u8]),
    List(&'a List),
    Set(&'a Set),
    Hash(&'a Hash),
    SortedSet(&'a SortedSet),
}

fn as_bytes<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_bytes(bytes)
}

impl ValueRef<'_> {
    /// The name that `TYPE` returns.
    pub fn type_name(self) -> &'static str {
        match self {
            ValueRef::Json(_) => "ReJSON-RL",
            ValueRef::Text(_) => "string",
            ValueRef::List(_) => "list",
            ValueRef::Set(_) => "set",
            ValueRef::Hash(_) => "hash",
            ValueRef::SortedSet(_) => "zset",
        }
    }

    /// Adds the type and the bytes of the value to a digest, the same on every node.
    pub(super) fn digest(self, hasher: &mut impl Hasher) {
        match self {
            ValueRef::Json(encoded) => (0u8, encoded).hash(hasher),
            ValueRef::Text(text) => (1u8, text).hash(hasher),
            ValueRef::List(list) => (2u8, list).hash(hasher),
            ValueRef::Set(set) => (3u8, set).hash(hasher),
            ValueRef::Hash(hash) => (4u8, hash).hash(hasher),
            ValueRef::SortedSet(sorted) => (5u8, sorted).hash(hasher),
        }
    }

    /// The approximate memory of the value in bytes: its content, and the overhead for each
    /// element.
    pub fn memory_bytes(self) -> usize {
        /// The overhead of one allocation: a pointer with a length, and the average rounding of the
        /// allocator.
        const PIECE: usize = size_of::<Box<[u8]>>() + 8;
        /// The overhead of one slot in a hash table: the hash and the position. On average a table
        /// is three quarters full.
        const INDEXED: usize = 2 * size_of::<usize>() * 4 / 3;
        let of = |bytes: usize, elements: usize, each: usize| {
            bytes - elements * super::ELEMENT_BYTES + elements * (PIECE + each)
        };
        match self {
            ValueRef::Json(encoded) => encoded.len(),
            ValueRef::Text(text) => text.len(),
            ValueRef::List(list) => size_of::<List>() + of(list.bytes(), list.len(), 0),
            ValueRef::Set(set) => size_of::<Set>() + of(set.bytes(), set.len(), INDEXED),
            ValueRef::Hash(hash) => size_of::<Hash>() + of(hash.bytes(), 2 * hash.len(), INDEXED / 2),
            ValueRef::SortedSet(sorted) => {
                let scores = 3 * size_of::<f64>() * 4 / 3;
                size_of::<SortedSet>() + of(sorted.bytes(), sorted.len(), INDEXED + scores)
            }
        }
    }
}

/// A value with its deadline and its version.
///
/// Invariant: `version` is the log index of the entry that last changed the value or the deadline,
/// so it never decreases while the key exists.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    pub value: Value,
    /// The deadline, in Unix milliseconds: from this time on the key does not exist.
    pub expires_ms: Option<NonZeroU64>,
    pub version: u64,
}

impl Entry {
    pub fn borrowed(&self) -> EntryRef<'_> {
        EntryRef { value: self.value.borrowed(), expires_ms: self.expires_ms, version: self.version }
    }
}

/// An [`Entry`] where it lies in memory. It is serialized as an [`Entry`] is.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct EntryRef<'a> {
    pub value: ValueRef<'a>,
    pub expires_ms: Option<NonZeroU64>,
    pub version: u64,
}

impl EntryRef<'_> {
    pub fn is_expired(&self, now_ms: u64) -> bool {
        is_expired(self.expires_ms, now_ms)
    }
}

/// Whether a deadline, if there is one, has passed.
pub(super) fn is_expired(expires_ms: Option<NonZeroU64>, now_ms: u64) -> bool {
    expires_ms.is_some_and(|deadline| deadline.get() <= now_ms)
}
