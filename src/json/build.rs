//! Encodes JSON values into a buffer.
//!
//! Invariants:
//! * the bytes appended between [`Builder::open`] and [`Builder::close`] are the payload of one
//!   container;
//! * every header is as short as possible, so a value has only one encoding: replicas that reach it
//!   by different edits hold the same bytes, and limits that count bytes have the same effect on
//!   each.

use super::run::{copy_short, plain_run};
use super::value::{Kind, SIZE_IN_1_BYTE, SIZE_IN_2_BYTES, SIZE_IN_4_BYTES, SIZE_INLINE_MAX};

/// An open container: the offset of its header, and the width reserved for it.
#[derive(Debug)]
#[must_use = "an open container must be closed"]
pub struct Open {
    at: usize,
    kind: Kind,
    reserved: usize,
}

/// A buffer to which encoded values are appended.
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

    /// Removes the content and keeps the allocated memory.
    pub fn clear(&mut self) {
        self.out.clear();
    }

    /// The content.
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
        // Appending nine bytes and truncating is cheaper than appending a variable number of bytes.
        let mut field = [Kind::Int as u8 | (size as u8) << 4; 9];
        field[1..].copy_from_slice(&bytes);
        self.out.extend_from_slice(&field);
        self.out.truncate(at + 1 + size);
    }

    /// Appends a whole number: as an `Int` up to `i64::MAX`, as a `Uint` above.
    pub fn uint(&mut self, whole: u64) {
        match i64::try_from(whole) {
            Ok(small) => self.int(small),
            Err(_) => {
                self.out.push(Kind::Uint as u8 | 8 << 4);
                self.out.extend_from_slice(&whole.to_le_bytes());
            }
        }
    }

    /// Appends a real number.
    ///
    /// # Panics
    /// If `number` is not finite, which the caller has to check: JSON has no such number.
    pub fn float(&mut self, number: f64) {
        assert!(number.is_finite(), "a document has only finite numbers");
        self.out.push(Kind::Float as u8 | 8 << 4);
        self.out.extend_from_slice(&number.to_le_bytes());
    }

    /// Appends a string value or the key of a member. `text` is unescaped UTF-8.
    pub fn text(&mut self, text: &[u8]) {
        let kind = if needs_escape(text) { Kind::TextEscaped } else { Kind::Text };
        push_header(&mut self.out, kind, text.len());
        self.out.extend_from_slice(text);
    }

    /// Appends the string `source[begin..end]`, which the caller has found to contain nothing to
    /// escape.
    #[inline]
    pub(super) fn plain_text(&mut self, source: &[u8], begin: usize, end: usize) {
        debug_assert!(!needs_escape(&source[begin..end]), "plain text needs no escapes");
        push_header(&mut self.out, Kind::Text, end - begin);
        copy_short(source, begin, end, &mut self.out);
    }

    /// Appends a value that is encoded already.
    pub fn raw(&mut self, encoded: &[u8]) {
        self.out.extend_from_slice(encoded);
    }

    /// Opens a container, with a header for a payload of up to `payload_max` bytes. This number is
    /// an estimate, which affects only the speed.
    ///
    /// # Panics
    /// If `kind` is not a container.
    pub fn open(&mut self, kind: Kind, payload_max: usize) -> Open {
        assert!(kind.is_container(), "only a container is opened, not a {kind:?}");
        let reserved = header_len(payload_max.max(SIZE_INLINE_MAX + 1));
        let at = self.out.len();
        self.out.resize(at + reserved, 0);
        Open { at, kind, reserved }
    }

    /// Closes a container: everything appended since its `open` is its payload.
    pub fn close(&mut self, open: Open) {
        let begin = open.at + open.reserved;
        assert!(begin <= self.out.len(), "containers close in the reverse order of their opening");
        let size = self.out.len() - begin;
        // A shorter header moves the payload to the front. At most 64 KiB are moved, because every
        // larger payload has the widest header.
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

/// The size of the shortest header for a payload of this many bytes.
pub(super) fn header_len(payload: usize) -> usize {
    match payload {
        0..=SIZE_INLINE_MAX => 1,
        12..=0xff => 2,
        0x100..=0xffff => 3,
        _ => 5,
    }
}

/// Fills `field` with a header that is exactly as long as `field`.
///
/// # Panics
/// If the size does not fit a header of this width, or reaches 4 GiB, as no document does.
pub(super) fn write_header(field: &mut [u8], kind: Kind, size: usize) {
    assert!(header_len(size) <= field.len(), "the header has room for a payload of {size} bytes");
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

/// Whether the text contains a quote, a backslash or a control character, which JSON escapes.
pub(super) fn needs_escape(text: &[u8]) -> bool {
    plain_run(text, 0).end < text.len()
}
