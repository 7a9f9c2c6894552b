//! A borrowed view of one encoded value, and the layout of the encoding.
//!
//! Every value is a *header* followed by a *payload*. The low half of the header's first byte is
//! the kind, the high half the payload's size: 0 to 11 directly, or 12, 13 or 14 for a size that
//! follows in 1, 2 or 4 bytes, little-endian.
//!
//! | kind | payload |
//! |---|---|
//! | `Null`, `False`, `True` | empty |
//! | `Int` | 0 to 8 bytes, two's complement, little-endian, the shortest that keeps the sign |
//! | `Uint` | 8 bytes, a whole number above `i64::MAX` |
//! | `Float` | 8 bytes, the bits of a finite f64, little-endian |
//! | `Text` | UTF-8 that needs no escapes when printed |
//! | `TextEscaped` | UTF-8 in which something must be escaped when printed |
//! | `Array` | its elements, one after the other |
//! | `Object` | its members in insertion order: a key (`Text` or `TextEscaped`), then a value |
//!
//! Invariants:
//! * a size field is as short as possible, so a value has only one encoding;
//! * the keys of an object are distinct;
//! * a `Float` is finite and a `Uint` is above `i64::MAX`, so each number has one kind.
//!
//! The readers here never panic: on bytes that break the layout, they end early or return `Null`.
//! Documents from the log or a snapshot are protected by checksums; [`super::check`] checks any
//! bytes completely.

use std::collections::{HashMap, HashSet};

/// The kind of an encoded value. The numbers are part of the layout on disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Kind {
    Null = 0,
    False = 1,
    True = 2,
    Int = 3,
    Uint = 4,
    Float = 5,
    Text = 6,
    TextEscaped = 7,
    Array = 8,
    Object = 9,
}

impl Kind {
    /// The kind with this number, if there is one.
    pub const fn from_nibble(nibble: u8) -> Option<Kind> {
        Some(match nibble {
            0 => Kind::Null,
            1 => Kind::False,
            2 => Kind::True,
            3 => Kind::Int,
            4 => Kind::Uint,
            5 => Kind::Float,
            6 => Kind::Text,
            7 => Kind::TextEscaped,
            8 => Kind::Array,
            9 => Kind::Object,
            _ => return None,
        })
    }

    pub const fn is_container(self) -> bool {
        matches!(self, Kind::Array | Kind::Object)
    }
}

/// The largest payload whose size fits in the header's first byte.
pub(super) const SIZE_INLINE_MAX: usize = 11;
pub(super) const SIZE_IN_1_BYTE: u8 = 12;
pub(super) const SIZE_IN_2_BYTES: u8 = 13;
pub(super) const SIZE_IN_4_BYTES: u8 = 14;

/// A decoded header: the kind, and the payload's range in bytes from the start of the buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub kind: Kind,
    pub payload: usize,
    pub end: usize,
}

/// Reads the header at `at`; `None` if there is no valid header or its payload exceeds `bytes`.
#[inline]
pub(super) fn header_at(bytes: &[u8], at: usize) -> Option<Header> {
    let first = *bytes.get(at)?;
    let kind = Kind::from_nibble(first & 0x0f)?;
    let (size, payload) = match first >> 4 {
        SIZE_IN_1_BYTE => (*bytes.get(at + 1)? as usize, at + 2),
        SIZE_IN_2_BYTES => {
            let field = bytes.get(at + 1..at + 3)?;
            (u16::from_le_bytes([field[0], field[1]]) as usize, at + 3)
        }
        SIZE_IN_4_BYTES => {
            let field = bytes.get(at + 1..at + 5)?;
            (u32::from_le_bytes([field[0], field[1], field[2], field[3]]) as usize, at + 5)
        }
        15 => return None,
        inline => (inline as usize, at + 1),
    };
    let end = payload.checked_add(size)?;
    if end > bytes.len() {
        return None;
    }
    Some(Header { kind, payload, end })
}

/// One value inside an encoded buffer: a reference to the buffer, and offsets. Copying it copies no
/// JSON.
#[derive(Clone, Copy)]
pub struct Value<'a> {
    bytes: &'a [u8],
    at: usize,
    header: Header,
}

impl<'a> Value<'a> {
    /// The value whose header begins at byte `at`; `Null` if there is none.
    pub fn at(bytes: &'a [u8], at: usize) -> Value<'a> {
        match header_at(bytes, at) {
            Some(header) => Value { bytes, at, header },
            None => Value { bytes, at, header: Header { kind: Kind::Null, payload: at, end: at } },
        }
    }

    pub fn kind(self) -> Kind {
        self.header.kind
    }

    /// The offset of the header, in bytes from the start of the buffer: the value's address within
    /// its document.
    pub fn offset(self) -> usize {
        self.at
    }

    /// The offset after the last byte of the payload.
    pub fn end(self) -> usize {
        self.header.end
    }

    /// The encoded bytes, header and payload.
    pub fn encoded(self) -> &'a [u8] {
        &self.bytes[self.at.min(self.header.end)..self.header.end]
    }

    pub fn payload(self) -> &'a [u8] {
        &self.bytes[self.header.payload..self.header.end]
    }

    /// The whole buffer that contains this value.
    pub fn buffer(self) -> &'a [u8] {
        self.bytes
    }

    pub fn as_bool(self) -> Option<bool> {
        match self.kind() {
            Kind::True => Some(true),
            Kind::False => Some(false),
            _ => None,
        }
    }

    pub fn is_null(self) -> bool {
        self.kind() == Kind::Null
    }

    pub fn as_i64(self) -> Option<i64> {
        if self.kind() != Kind::Int {
            return None;
        }
        let size = self.header.end - self.header.payload;
        if size == 0 || size > 8 {
            return (size == 0).then_some(0);
        }
        // Reads eight bytes at once if the buffer has them, and shifts out those after the payload.
        let unused = 64 - 8 * size as u32;
        let word = match self.bytes.get(self.header.payload..).and_then(<[u8]>::first_chunk::<8>) {
            Some(chunk) => u64::from_le_bytes(*chunk) << unused,
            None => self.payload().iter().fold(0, |word, &byte| word >> 8 | u64::from(byte) << 56),
        };
        Some((word as i64) >> unused)
    }

    /// The number as `u64`, if it is whole and above `i64::MAX`.
    pub fn as_u64_large(self) -> Option<u64> {
        match (self.kind(), <[u8; 8]>::try_from(self.payload())) {
            (Kind::Uint, Ok(field)) => Some(u64::from_le_bytes(field)),
            _ => None,
        }
    }

    /// The number as the nearest `f64`, for a number of any kind; `None` if the value is not a
    /// number.
    pub fn as_f64(self) -> Option<f64> {
        match self.kind() {
            Kind::Int => self.as_i64().map(|whole| whole as f64),
            Kind::Uint => self.as_u64_large().map(|whole| whole as f64),
            Kind::Float => <[u8; 8]>::try_from(self.payload()).ok().map(f64::from_le_bytes),
            _ => None,
        }
    }

    pub fn is_number(self) -> bool {
        matches!(self.kind(), Kind::Int | Kind::Uint | Kind::Float)
    }

    /// The UTF-8 text of a string, without escapes.
    pub fn as_text(self) -> Option<&'a [u8]> {
        matches!(self.kind(), Kind::Text | Kind::TextEscaped).then(|| self.payload())
    }

    /// The elements of an array; empty for any other value.
    pub fn elements(self) -> Elements<'a> {
        let next = if self.kind() == Kind::Array { self.header.payload } else { self.header.end };
        Elements { bytes: self.bytes, next, end: self.header.end }
    }

    /// The members of an object in insertion order; empty for any other value.
    pub fn members(self) -> Members<'a> {
        let next = if self.kind() == Kind::Object { self.header.payload } else { self.header.end };
        Members { bytes: self.bytes, next, end: self.header.end }
    }

    /// The member of an object with this key; `None` if there is none.
    pub fn member(self, key: &[u8]) -> Option<Member<'a>> {
        self.members().find(|member| member.key == key)
    }
}

impl std::fmt::Debug for Value<'_> {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "{:?}@{}..{}", self.kind(), self.at, self.header.end)
    }
}

/// A member of an object.
#[derive(Clone, Copy, Debug)]
pub struct Member<'a> {
    /// The offset at which the member begins: that of the key's header. The member ends with its
    /// value.
    pub offset: usize,
    /// The key as UTF-8 text, without escapes.
    pub key: &'a [u8],
    /// Whether the key has to be escaped when it is printed.
    pub key_escaped: bool,
    pub value: Value<'a>,
}

/// Iterates over the elements of an array.
#[derive(Clone)]
pub struct Elements<'a> {
    bytes: &'a [u8],
    next: usize,
    end: usize,
}

impl<'a> Elements<'a> {
    /// The values that fill `bytes` without gaps.
    pub(super) fn within(bytes: &'a [u8]) -> Elements<'a> {
        Elements { bytes, next: 0, end: bytes.len() }
    }
}

impl<'a> Iterator for Elements<'a> {
    type Item = Value<'a>;

    #[inline]
    fn next(&mut self) -> Option<Value<'a>> {
        if self.next >= self.end {
            return None;
        }
        let header = header_at(self.bytes, self.next).filter(|header| header.end <= self.end)?;
        let value = Value { bytes: self.bytes, at: self.next, header };
        self.next = header.end;
        Some(value)
    }
}

/// Iterates over the members of an object.
#[derive(Clone)]
pub struct Members<'a> {
    bytes: &'a [u8],
    next: usize,
    end: usize,
}

impl<'a> Members<'a> {
    /// The members in `bytes[begin..end]`, which is the payload of an object.
    pub(super) fn within(bytes: &'a [u8], begin: usize, end: usize) -> Members<'a> {
        Members { bytes, next: begin, end }
    }
}

impl<'a> Iterator for Members<'a> {
    type Item = Member<'a>;

    #[inline]
    fn next(&mut self) -> Option<Member<'a>> {
        if self.next >= self.end {
            return None;
        }
        let offset = self.next;
        let key = header_at(self.bytes, offset)?;
        let header = header_at(self.bytes, key.end).filter(|header| header.end <= self.end)?;
        self.next = header.end;
        Some(Member {
            offset,
            key: &self.bytes[key.payload..key.end],
            key_escaped: key.kind == Kind::TextEscaped,
            value: Value { bytes: self.bytes, at: key.end, header },
        })
    }
}

/// Up to this number of members, a linear search is cheaper than a hash table.
const SCAN_MAX: usize = 16;

/// Finds members of an object by key; in a large object, with a hash table.
pub(super) enum MemberIndex<'a> {
    Scan(Value<'a>),
    Table(HashMap<&'a [u8], Member<'a>>),
}

impl<'a> MemberIndex<'a> {
    pub fn of(object: Value<'a>) -> MemberIndex<'a> {
        if object.members().nth(SCAN_MAX).is_none() {
            return MemberIndex::Scan(object);
        }
        MemberIndex::Table(object.members().map(|member| (member.key, member)).collect())
    }

    pub fn get(&self, key: &[u8]) -> Option<Member<'a>> {
        match self {
            MemberIndex::Scan(object) => object.member(key),
            MemberIndex::Table(table) => table.get(key).copied(),
        }
    }
}

/// The first member whose key repeats that of an earlier one.
pub(super) fn repeated<'a>(members: Members<'a>) -> Option<Member<'a>> {
    let mut earlier: [&[u8]; SCAN_MAX] = [&[]; SCAN_MAX];
    for (count, member) in members.clone().take(SCAN_MAX).enumerate() {
        if earlier[..count].contains(&member.key) {
            return Some(member);
        }
        earlier[count] = member.key;
    }
    let mut rest = members.skip(SCAN_MAX).peekable();
    rest.peek()?;
    let mut table: HashSet<&[u8]> = earlier.into_iter().collect();
    rest.find(|member| !table.insert(member.key))
}
