//! A small document or string with its key, its version and its deadline in one allocation.
//!
//! ```text
//! packed = flags u8 | length of the key u8 or u32 | version u32 or u64 | deadline u64, if any
//!        | key | value
//! ```
//! Numbers are little-endian. This layout exists only in memory; the log and snapshots contain the
//! encoding of [`Entry`].
//!
//! Invariant: a number has the narrowest field that holds it, so equal entries have equal bytes.

use std::num::NonZeroU64;
use std::sync::Arc;

use super::{Entry, EntryRef, Value, ValueRef};
use crate::json::Document;

/// The size in bytes of the largest value that is packed. For a larger one, a separate allocation
/// costs less than two per cent of its size, and an edit in place then copies neither key nor
/// value.
const PACKED_VALUE_BYTES_MAX: usize = 8 << 10;

const IS_TEXT: u8 = 1;
const HAS_DEADLINE: u8 = 1 << 1;
const KEY_LENGTH_IN_4_BYTES: u8 = 1 << 2;
const VERSION_IN_8_BYTES: u8 = 1 << 3;

/// An entry that can be packed.
#[derive(Clone, Copy)]
pub(super) struct Small<'a> {
    pub is_text: bool,
    pub value: &'a [u8],
    expires_ms: Option<NonZeroU64>,
    version: u64,
}

impl Small<'_> {
    /// `None` for a collection or a large value.
    pub fn of(entry: &Entry) -> Option<Small<'_>> {
        let (is_text, value) = match &entry.value {
            Value::Json(document) => (false, document.encoded()),
            Value::Text(text) => (true, &text[..]),
            _ => return None,
        };
        let small = Small { is_text, value, expires_ms: entry.expires_ms, version: entry.version };
        (value.len() <= PACKED_VALUE_BYTES_MAX).then_some(small)
    }

    /// The size of the packed entry in bytes.
    pub fn packed_bytes(&self, key: &[u8]) -> usize {
        let (key_length, version, deadline) = widths(self.flags(key));
        1 + key_length + version + deadline + key.len() + self.value.len()
    }

    fn flags(&self, key: &[u8]) -> u8 {
        let flag = |set: bool, flag: u8| if set { flag } else { 0 };
        flag(self.is_text, IS_TEXT)
            | flag(self.expires_ms.is_some(), HAS_DEADLINE)
            | flag(u8::try_from(key.len()).is_err(), KEY_LENGTH_IN_4_BYTES)
            | flag(u32::try_from(self.version).is_err(), VERSION_IN_8_BYTES)
    }
}

/// The decoded head of a packed entry.
#[derive(Clone, Copy)]
struct Head {
    is_text: bool,
    expires_ms: Option<NonZeroU64>,
    version: u64,
    /// Where the value begins.
    value: usize,
}

impl Head {
    fn value_of(self, bytes: &[u8]) -> &[u8] {
        &bytes[self.value..]
    }
}

/// The sizes of the fields of a head with these flags, in bytes.
#[inline]
fn widths(flags: u8) -> (usize, usize, usize) {
    let wide = |flag: u8, wide: usize, narrow: usize| if flags & flag != 0 { wide } else { narrow };
    (wide(KEY_LENGTH_IN_4_BYTES, 4, 1), wide(VERSION_IN_8_BYTES, 8, 4), wide(HAS_DEADLINE, 8, 0))
}

/// The little-endian number in a field of 1, 4 or 8 bytes; 0 for an empty field, as a missing
/// deadline has.
#[inline]
fn number(field: &[u8]) -> u64 {
    match *field {
        [byte] => u64::from(byte),
        [a, b, c, d] => u64::from(u32::from_le_bytes([a, b, c, d])),
        [a, b, c, d, e, f, g, h] => u64::from_le_bytes([a, b, c, d, e, f, g, h]),
        _ => 0,
    }
}

#[derive(Clone, Debug)]
pub(super) struct Packed(Arc<[u8]>);

impl Packed {
    pub fn new(key: &[u8], small: Small<'_>) -> Packed {
        let mut buffer: Arc<[u8]> = std::iter::repeat_n(0, small.packed_bytes(key)).collect();
        let bytes = Arc::get_mut(&mut buffer).expect("nobody else knows the buffer yet");
        write(bytes, key, small);
        Packed(buffer)
    }

    /// Writes another entry of the same key into this memory; false if the widths of the fields or
    /// the size of the value would change, or the memory is shared.
    pub fn overwrite(&mut self, key: &[u8], small: Small<'_>) -> bool {
        let flags = small.flags(key);
        let value = self.head().value;
        if self.0[0] != flags || self.0.len() - value != small.value.len() {
            return false;
        }
        let Some(bytes) = Arc::get_mut(&mut self.0) else { return false };
        write(bytes, key, small);
        true
    }

    /// Sets the deadline and the version in place; false if a field would change its width or the
    /// memory is shared.
    pub fn restamp(&mut self, expires_ms: Option<NonZeroU64>, version: u64) -> bool {
        let flags = self.0[0];
        let stamps = Small { is_text: self.is_text(), value: &[], expires_ms, version };
        if stamps.flags(self.key()) != flags {
            return false;
        }
        let Some(bytes) = Arc::get_mut(&mut self.0) else { return false };
        write_stamps(bytes, flags, expires_ms, version);
        true
    }

    #[inline]
    pub fn key(&self) -> &[u8] {
        let (key_length, version, deadline) = widths(self.0[0]);
        let begin = 1 + key_length + version + deadline;
        &self.0[begin..][..number(&self.0[1..1 + key_length]) as usize]
    }

    #[inline]
    fn head(&self) -> Head {
        let flags = self.0[0];
        let (key_length, version, deadline) = widths(flags);
        let (version_at, deadline_at) = (1 + key_length, 1 + key_length + version);
        let key_at = deadline_at + deadline;
        Head {
            is_text: flags & IS_TEXT != 0,
            expires_ms: NonZeroU64::new(number(&self.0[deadline_at..key_at])),
            version: number(&self.0[version_at..deadline_at]),
            value: key_at + number(&self.0[1..version_at]) as usize,
        }
    }

    #[inline]
    pub fn entry(&self) -> EntryRef<'_> {
        let head = self.head();
        let value = head.value_of(&self.0);
        let value = if head.is_text { ValueRef::Text(value) } else { ValueRef::Json(value) };
        EntryRef { value, expires_ms: head.expires_ms, version: head.version }
    }

    pub fn flags(&self) -> u8 {
        self.0[0]
    }

    pub fn is_text(&self) -> bool {
        self.flags() & IS_TEXT != 0
    }

    pub fn value(&self) -> &[u8] {
        self.head().value_of(&self.0)
    }

    /// The size of the packed entry in bytes.
    pub fn bytes(&self) -> usize {
        self.0.len()
    }

    /// The document, which shares the memory; `None` for a string.
    pub fn document(&self) -> Option<Document> {
        let head = self.head();
        (!head.is_text).then(|| Document::within(self.0.clone(), head.value))
    }

    /// Moves the memory into the returned document, so that an edit finds it unshared. `self` is
    /// empty then: until [`Packed::give_back`], it may only be dropped or replaced.
    pub fn take_document(&mut self) -> (Document, Origin) {
        let begin = self.head().value;
        let memory = std::mem::take(&mut self.0);
        let origin = Origin { address: memory.as_ptr().addr(), begin };
        (Document::within(memory, begin), origin)
    }

    /// Takes the memory back from the document. Returns the document as the error if it has other
    /// memory now.
    pub fn give_back(&mut self, document: Document, origin: Origin) -> Result<(), Document> {
        let (memory, begin) = document.into_buffer();
        // Another document never has the same address and beginning: either it is at the beginning
        // of its buffer, or it is packed in another slot, whose memory existed before.
        if (Origin { address: memory.as_ptr().addr(), begin }) != origin {
            return Err(Document::within(memory, begin));
        }
        self.0 = memory;
        Ok(())
    }
}

/// Identifies the memory of a packed document, for [`Packed::give_back`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Origin {
    address: usize,
    begin: usize,
}

/// Writes a packed entry to `bytes`, which must have exactly the size of that entry
/// ([`Small::packed_bytes`]).
fn write(bytes: &mut [u8], key: &[u8], small: Small<'_>) {
    let flags = small.flags(key);
    let (key_length, version, deadline) = widths(flags);
    let deadline_ms = small.expires_ms.map_or(0, NonZeroU64::get);
    let mut rest = bytes;
    let mut put = |part: &[u8]| {
        let (field, after) = std::mem::take(&mut rest).split_at_mut(part.len());
        field.copy_from_slice(part);
        rest = after;
    };
    put(&[flags]);
    put(&(key.len() as u64).to_le_bytes()[..key_length]);
    put(&small.version.to_le_bytes()[..version]);
    put(&deadline_ms.to_le_bytes()[..deadline]);
    put(key);
    put(small.value);
    assert!(rest.is_empty(), "a packed entry has the size that was counted");
}

/// Fills the fields of a packed entry's version and deadline.
fn write_stamps(bytes: &mut [u8], flags: u8, expires_ms: Option<NonZeroU64>, version: u64) {
    let (key_length, version_width, deadline_width) = widths(flags);
    let (version_field, rest) = bytes[1 + key_length..].split_at_mut(version_width);
    version_field.copy_from_slice(&version.to_le_bytes()[..version_width]);
    let deadline_ms = expires_ms.map_or(0, NonZeroU64::get);
    rest[..deadline_width].copy_from_slice(&deadline_ms.to_le_bytes()[..deadline_width]);
}
