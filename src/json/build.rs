//! Appends encoded values to a buffer.
//!
//! Invariants:
//! * what a builder has appended between [`Builder::open`] and [`Builder::close`] is the payload of
//!   one container;
//! * every header is as short as it can be, so that a value has one encoding whatever way it was
//!   built: replicas that came to the same state by different edits hold the same bytes, and limits
//!   that count bytes agree.

use super::run::{copy_short, plain_run};
use super::value::{Kind, SIZE_IN_1_BYTE, SIZE_IN_2_BYTES, SIZE_IN_4_BYTES, SIZE_INLINE_MAX};

/// A container that has been opened and not closed: the offset of its header, and how wide it was
/// reserved.
#[derive(Debug)]
#[must_use = "a container that is opened has to be closed"]
pub struct Open {
    at: usize,
    kind: Kind,
    reserved: usize,
}

/// A growing encoded buffer.
#[derive(Debug, Default)]
pub struct Builder {
    pub(super) out: Vec<u8>,
}

impl Builder {
    pub fn new() -> Builder {
        Builder::default()
    }

    pub fn with_capacity(bytes: usize) -> Builder {
        Builder { out: Vec::with_capacity(bytes) }
    }

    pub fn len(&self) -> usize {
        self.out.len()
    }

    pub fn is_empty(&self) -> bool {
        self.out.is_empty()
    }

    /// Forgets what was appended and keeps the memory.
    pub fn clear(&mut self) {
        self.out.clear();
    }

    /// What was appended.
    pub fn encoded(&self) -> &[u8] {
        &self.out
    }

    pub fn into_bytes(self) -> Vec<u8> {
        self.out
    }

    pub fn null(&mut self) {
        self.out.push(Kind::Null as u8);
    }

    pub fn bool(&mut self, truth: bool) {
        self.out.push(if truth { Kind::True } else { Kind::False } as u8);
    }

    pub fn int(&mut self, whole: i64) {
        let bytes = whole.to_le_bytes();
        let bits = if whole < 0 { 65 - whole.leading_ones() } else { 65 - whole.leading_zeros() };
        let size = if whole == 0 { 0 } else { bits.div_ceil(8) as usize };
        let at = self.out.len();
        // Nine bytes of fixed size and a cut are cheaper than a copy of a size that only the number
        // knows.
        let mut field = [Kind::Int as u8 | (size as u8) << 4; 9];
        field[1..].copy_from_slice(&bytes);
        self.out.extend_from_slice(&field);
        self.out.truncate(at + 1 + size);
    }

    /// A whole number of any size that fits: as `Int` up to `i64::MAX`, else as `Uint`.
    pub fn uint(&mut self, whole: u64) {
        match i64::try_from(whole) {
            Ok(small) => self.int(small),
            Err(_) => {
                self.out.push(Kind::Uint as u8 | 8 << 4);
                self.out.extend_from_slice(&whole.to_le_bytes());
            }
        }
    }

    /// # Panics
    /// If `number` is not finite: JSON has no such number, and the caller has checked.
    pub fn float(&mut self, number: f64) {
        assert!(number.is_finite(), "a document holds finite numbers only");
        self.out.push(Kind::Float as u8 | 8 << 4);
        self.out.extend_from_slice(&number.to_le_bytes());
    }

    /// A string value, or the key of a member. `text` is UTF-8, unescaped.
    pub fn text(&mut self, text: &[u8]) {
        let kind = if needs_escape(text) { Kind::TextEscaped } else { Kind::Text };
        push_header(&mut self.out, kind, text.len());
        self.out.extend_from_slice(text);
    }

    /// The string `source[begin..end]`, in which nothing has to be escaped, as the caller has seen
    /// while reading it.
    #[inline]
    pub(super) fn plain_text(&mut self, source: &[u8], begin: usize, end: usize) {
        debug_assert!(!needs_escape(&source[begin..end]), "plain text prints as it is");
        push_header(&mut self.out, Kind::Text, end - begin);
        copy_short(source, begin, end, &mut self.out);
    }

    /// Appends a value that is encoded already.
    pub fn raw(&mut self, encoded: &[u8]) {
        self.out.extend_from_slice(encoded);
    }

    /// Begins a container whose payload will be at most `payload_max` bytes, as far as the caller
    /// can tell.
    ///
    /// # Panics
    /// If `kind` is not a container.
    pub fn open(&mut self, kind: Kind, payload_max: usize) -> Open {
        assert!(kind.is_container(), "{kind:?} holds no values");
        let reserved = header_len(payload_max.max(SIZE_INLINE_MAX + 1));
        let at = self.out.len();
        self.out.resize(at + reserved, 0);
        Open { at, kind, reserved }
    }

    /// Ends a container: everything appended since its `open` is its payload.
    pub fn close(&mut self, open: Open) {
        let begin = open.at + open.reserved;
        assert!(begin <= self.out.len(), "containers close in the reverse order of their opening");
        let size = self.out.len() - begin;
        // A header that turns out shorter moves its payload: up to 64 KiB, since the widest is for
        // all beyond.
        let width = header_len(size);
        if width < open.reserved {
            self.out.copy_within(begin.., open.at + width);
            self.out.truncate(open.at + width + size);
        } else if width > open.reserved {
            self.out.splice(open.at..begin, std::iter::repeat_n(0, width));
        }
        write_header(&mut self.out[open.at..open.at + width], open.kind, size);
    }
}

/// How many bytes the shortest header for this payload takes.
pub(super) fn header_len(payload: usize) -> usize {
    match payload {
        0..=SIZE_INLINE_MAX => 1,
        12..=0xff => 2,
        0x100..=0xffff => 3,
        _ => 5,
    }
}

/// Fills `field` with a header of exactly its width.
///
/// # Panics
/// If the size does not fit the width, or is over 4 GiB: a document is bounded far below.
pub(super) fn write_header(field: &mut [u8], kind: Kind, size: usize) {
    assert!(header_len(size) <= field.len(), "a payload of {size} bytes does not fit its header");
    let kind = kind as u8;
    match field.len() {
        1 => field[0] = kind | (size as u8) << 4,
        2 => field.copy_from_slice(&[kind | SIZE_IN_1_BYTE << 4, size as u8]),
        3 => {
            field[0] = kind | SIZE_IN_2_BYTES << 4;
            field[1..].copy_from_slice(&(size as u16).to_le_bytes());
        }
        _ => {
            let size = u32::try_from(size).expect("a document is bounded far below 4 GiB");
            field[0] = kind | SIZE_IN_4_BYTES << 4;
            field[1..].copy_from_slice(&size.to_le_bytes());
        }
    }
}

/// Appends the shortest header for a payload of `size` bytes.
#[inline]
pub(super) fn push_header(out: &mut Vec<u8>, kind: Kind, size: usize) {
    if size <= SIZE_INLINE_MAX {
        out.push(kind as u8 | (size as u8) << 4);
        return;
    }
    let at = out.len();
    out.resize(at + header_len(size), 0);
    write_header(&mut out[at..], kind, size);
}

/// Whether JSON has to escape something in this text: a quote, a backslash or a control character.
pub(super) fn needs_escape(text: &[u8]) -> bool {
    plain_run(text, 0).end < text.len()
}
