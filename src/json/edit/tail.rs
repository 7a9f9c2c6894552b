//! The value that an edit is changing. It is the last one in the buffer that is being written, so
//! its size may change.

use std::ops::Range;

use crate::error::CommandError;
use crate::json::Builder;
use crate::json::build::{header_len, write_header};
use crate::json::limits::{DEPTH_MAX, TOO_DEEP};
use crate::json::value::{Elements, Kind, Value};

/// A value that is being edited. Matches inside it have already been edited.
pub struct Tail<'b> {
    out: &'b mut Vec<u8>,
    at: usize,
    /// The number of containers around the value.
    level: usize,
    changed: bool,
}

impl<'b> Tail<'b> {
    pub(super) fn new(out: &'b mut Vec<u8>, at: usize, level: usize) -> Tail<'b> {
        let tail = Tail { out, at, level, changed: false };
        debug_assert_eq!(tail.value().end(), tail.out.len(), "the value is the last of its buffer");
        tail
    }

    /// The current value. Its offsets are positions in the copy, not in the original document.
    pub fn value(&self) -> Value<'_> {
        Value::at(self.out, self.at)
    }

    /// Whether an edit replaced the value, its elements or its members, even by equal ones.
    pub fn is_changed(&self) -> bool {
        self.changed
    }

    /// Replaces the value by an encoded one.
    pub fn replace(&mut self, encoded: &[u8]) -> Result<(), CommandError> {
        fits(self.level + Value::at(encoded, 0).depth())?;
        self.out.truncate(self.at);
        self.out.extend_from_slice(encoded);
        self.changed = true;
        Ok(())
    }

    /// Replaces the elements with these indexes by encoded elements. Indexes past the end are taken
    /// as the end.
    ///
    /// # Panics
    /// If the value is not an array, or the range ends before its start.
    pub fn splice(&mut self, indexes: Range<usize>, elements: &[u8]) -> Result<(), CommandError> {
        assert!(self.value().kind() == Kind::Array, "only an array has elements");
        assert!(indexes.start <= indexes.end, "a range does not end before its start");
        for element in Elements::within(elements) {
            fits(self.level + 1 + element.depth())?;
        }
        let mut bounds = self.value().elements();
        let begin = bounds.nth(indexes.start).map_or(self.out.len(), Value::offset);
        let removed = indexes.end - indexes.start;
        let end = match removed {
            0 => begin,
            1 => Value::at(self.out, begin).end(),
            _ => bounds.nth(removed - 2).map_or(self.out.len(), Value::end),
        };
        let end = end.max(begin);
        self.replace_bytes(begin..end, elements);
        Ok(())
    }

    /// Appends encoded elements.
    pub fn append(&mut self, elements: &[u8]) -> Result<(), CommandError> {
        self.splice(usize::MAX..usize::MAX, elements)
    }

    /// Sets the member with this key to an encoded value; a new member is the last.
    ///
    /// # Panics
    /// If the value is not an object.
    pub fn put(&mut self, key: &[u8], encoded: &[u8]) -> Result<(), CommandError> {
        assert!(self.value().kind() == Kind::Object, "only an object has members");
        fits(self.level + 1 + Value::at(encoded, 0).depth())?;
        let present = self.value().member(key).map(|member| member.value.offset()..member.value.end());
        if let Some(bytes) = present {
            self.replace_bytes(bytes, encoded);
            return Ok(());
        }
        let mut member = Builder::with_capacity(key.len() + encoded.len() + 5);
        member.text(key);
        member.raw(encoded);
        self.replace_bytes(self.out.len()..self.out.len(), &member.out);
        Ok(())
    }

    /// Replaces these bytes of the payload by `fresh` and updates the header.
    fn replace_bytes(&mut self, bytes: Range<usize>, fresh: &[u8]) {
        self.changed |= !bytes.is_empty() || !fresh.is_empty();
        let header = self.value().end() - self.value().payload().len() - self.at;
        assert!(self.at + header <= bytes.start, "the replaced bytes are within the payload");
        if bytes.end == self.out.len() {
            self.out.truncate(bytes.start);
            self.out.extend_from_slice(fresh);
        } else {
            self.out.splice(bytes, fresh.iter().copied());
        }
        let kind = Kind::from_nibble(self.out[self.at] & 0x0f).expect("the header is that of a container");
        let size = self.out.len() - self.at - header;
        let width = header_len(size);
        if width != header {
            self.out.splice(self.at..self.at + header, std::iter::repeat_n(0, width));
        }
        write_header(&mut self.out[self.at..self.at + width], kind, size);
    }
}

fn fits(depth: usize) -> Result<(), CommandError> {
    if depth <= DEPTH_MAX { Ok(()) } else { Err(TOO_DEEP) }
}
