//! The common part of lists, sets, hashes and sorted sets.
//!
//! Invariants:
//! * the order of a collection's elements is part of the state: it follows from the writes alone,
//!   never from a hash, and a snapshot keeps it. All replicas therefore return elements in the same
//!   order and pick the same element;
//! * no collection in the keyspace is empty: removing the last element removes the key;
//! * `bytes` is the sum of [`Element::cost`] over all elements, and at most
//!   [`COLLECTION_BYTES_MAX`].
//!
//! A collection is reference-counted. The pre-image of a capture, COPY and RENAME share it. The
//! first edit of a shared collection copies all of its elements, so each snapshot can make one
//! write to a large collection slow.

use std::borrow::Borrow;
use std::fmt::Debug;

use serde::{Deserialize, Serialize};

use super::{Key, Value, ValueRef};
use crate::error::CommandError;

/// Maximum total cost of the elements of one collection. A snapshot stores the length of a record
/// in four bytes. The largest collection, the longest key and the overhead of the encoding, which
/// [`ELEMENT_BYTES`] covers, together stay below 4 GiB.
pub const COLLECTION_BYTES_MAX: usize = 3 << 30;

/// The overhead counted for each element, which is more than its length and a score take in a
/// snapshot. With it, a collection has at most 201,326,592 elements, so a position fits into four
/// bytes.
pub const ELEMENT_BYTES: usize = 16;

const _: () = assert!(COLLECTION_BYTES_MAX / ELEMENT_BYTES < u32::MAX as usize);

/// Up to this many elements, a set or a hash keeps its order when an element is removed, as Redis'
/// compact encoding does; moving so few elements is cheap. Above it, the last element moves into
/// the gap.
pub(super) const SMALL: usize = 128;

/// A member of a set, an element of a list, a field of a hash or its value: any bytes, in two
/// words.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Element(Key);

impl Element {
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }

    /// The bytes that the element counts towards [`COLLECTION_BYTES_MAX`].
    pub fn cost(&self) -> usize {
        self.as_bytes().len() + ELEMENT_BYTES
    }
}

impl From<&[u8]> for Element {
    fn from(bytes: &[u8]) -> Element {
        Element(Key::from(bytes))
    }
}

impl Borrow<[u8]> for Element {
    fn borrow(&self) -> &[u8] {
        self.as_bytes()
    }
}

/// A kind of collection that [`Value`] can hold.
pub trait Collection: Clone + Debug + Default {
    fn of(value: ValueRef<'_>) -> Option<&Self>;
    /// The collection in `value`, to be edited. A shared collection is copied first.
    fn of_mut(value: &mut Value) -> Option<&mut Self>;
    fn into_value(self) -> Value;
    fn len(&self) -> usize;
    /// The total cost of all elements.
    fn bytes(&self) -> usize;

    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Checks that elements of this total cost fit.
    ///
    /// # Errors
    /// If they may not fit: an element that is already present is counted again.
    fn room_for(&self, cost: usize) -> Result<(), CommandError> {
        match self.bytes().checked_add(cost) {
            Some(bytes) if bytes <= COLLECTION_BYTES_MAX => Ok(()),
            _ => Err(CommandError::fixed("ERR the collection would be larger than 3221225472 bytes")),
        }
    }
}

/// A collection in a snapshot that no sequence of writes can have produced.
#[derive(Debug, thiserror::Error)]
#[error("a collection in the snapshot {0}")]
pub struct Impossible(pub &'static str);

macro_rules! collection {
    ($name:ident) => {
        impl Collection for $name {
            fn of(value: crate::keyspace::ValueRef<'_>) -> Option<&$name> {
                match value {
                    crate::keyspace::ValueRef::$name(inner) => Some(inner),
                    _ => None,
                }
            }

            fn of_mut(value: &mut crate::keyspace::Value) -> Option<&mut $name> {
                match value {
                    crate::keyspace::Value::$name(inner) => Some(std::sync::Arc::make_mut(inner)),
                    _ => None,
                }
            }

            fn into_value(self) -> crate::keyspace::Value {
                crate::keyspace::Value::$name(self.into())
            }

            fn len(&self) -> usize {
                self.elements.len()
            }

            fn bytes(&self) -> usize {
                self.bytes
            }
        }

        impl std::hash::Hash for $name {
            /// Hashes the elements in order: a different order gives a different digest, which
            /// shows replicas that differ.
            fn hash<H: std::hash::Hasher>(&self, hasher: &mut H) {
                hasher.write_usize(self.elements.len());
                self.iter().for_each(|element| $name::hash_one(element, hasher));
            }
        }
    };
}
pub(super) use collection;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keyspace::List;

    #[test]
    fn a_full_collection_accepts_no_further_element() {
        let mut list = List::default();
        list.push_back(Element::from(&b"one"[..]));
        assert_eq!(list.room_for(COLLECTION_BYTES_MAX - list.bytes()), Ok(()));
        let answer = list.room_for(COLLECTION_BYTES_MAX - list.bytes() + 1).unwrap_err();
        assert!(answer.line().contains(&COLLECTION_BYTES_MAX.to_string()));
        assert!(list.room_for(usize::MAX).is_err());
    }
}
