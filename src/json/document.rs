//! One JSON value in a reference-counted, encoded buffer.

use std::sync::Arc;

use super::print::{Style, print};
use super::value::Value;

/// An immutable JSON value. Clones share the buffer.
#[derive(Clone)]
pub struct Document {
    buffer: Arc<[u8]>,
    /// The offset of the value in the buffer. The value extends to the end of the buffer; the bytes
    /// before it belong to the code that made the document.
    begin: usize,
}

impl Document {
    /// Makes a document of bytes that are known to be one encoded value: this process encoded them,
    /// or their checksum was verified.
    pub fn from_trusted(bytes: &[u8]) -> Document {
        Document::within(Arc::from(bytes), 0)
    }

    /// Makes a document of the bytes from `begin` to the end of `buffer`, without a copy. They are
    /// known to be one encoded value.
    ///
    /// # Panics
    /// If the buffer ends before `begin`.
    pub fn within(buffer: Arc<[u8]>, begin: usize) -> Document {
        debug_assert_eq!(
            Value::at(&buffer[begin..], 0).end(),
            buffer.len() - begin,
            "a document is exactly one value"
        );
        assert!(begin <= buffer.len(), "a document begins within its buffer");
        Document { buffer, begin }
    }

    /// The buffer, and where the document begins in it.
    pub fn into_buffer(self) -> (Arc<[u8]>, usize) {
        (self.buffer, self.begin)
    }

    pub fn root(&self) -> Value<'_> {
        Value::at(self.encoded(), 0)
    }

    /// Replaces the scalar at offset `at` by an encoded scalar of the same size, if nothing else
    /// shares the buffer. An increment of a counter, a frequent write, then needs no copy of the
    /// document. Returns false if nothing was replaced.
    pub fn try_replace_in_place(&mut self, at: usize, encoded: &[u8]) -> bool {
        let old = Value::at(self.encoded(), at);
        let same_size = old.encoded().len() == encoded.len() && !encoded.is_empty();
        // Containers are refused: one of the same size may nest deeper, and only the copying edit
        // checks the depth.
        if !same_size || old.kind().is_container() || Value::at(encoded, 0).kind().is_container() {
            return false;
        }
        debug_assert_eq!(
            Value::at(encoded, 0).end(),
            encoded.len(),
            "the replacement is one value of the same size"
        );
        match Arc::get_mut(&mut self.buffer) {
            Some(buffer) => {
                buffer[self.begin + at..][..encoded.len()].copy_from_slice(encoded);
                true
            }
            None => false,
        }
    }

    pub fn encoded(&self) -> &[u8] {
        &self.buffer[self.begin..]
    }
}

impl PartialEq for Document {
    fn eq(&self, other: &Document) -> bool {
        self.encoded() == other.encoded()
    }
}

impl Eq for Document {}

impl serde::Serialize for Document {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(self.encoded())
    }
}

/// Deserializes a document from the log or a snapshot, whose checksum has been verified.
impl<'de> serde::Deserialize<'de> for Document {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Document, D::Error> {
        struct DocumentVisitor;
        impl serde::de::Visitor<'_> for DocumentVisitor {
            type Value = Document;
            fn expecting(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                out.write_str("the bytes of an encoded document")
            }
            fn visit_bytes<E: serde::de::Error>(self, bytes: &[u8]) -> Result<Document, E> {
                if Value::at(bytes, 0).end() != bytes.len() || bytes.is_empty() {
                    return Err(E::custom("these bytes are not an encoded document"));
                }
                Ok(Document::from_trusted(bytes))
            }
        }
        deserializer.deserialize_bytes(DocumentVisitor)
    }
}

/// Formats the document as JSON text, for log messages and failed tests.
impl std::fmt::Debug for Document {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut text = Vec::new();
        print(self.root(), &Style::default(), &mut text);
        out.write_str(&String::from_utf8_lossy(&text))
    }
}

#[cfg(test)]
mod tests {
    use crate::json::parse::tests::{document, text_of};

    #[test]
    fn a_scalar_of_the_same_size_is_replaced_in_place_unless_the_buffer_is_shared() {
        let mut counter = document("{\"a\":[1,2],\"b\":3}");
        let at = counter.root().member(b"b").unwrap().value.offset();
        assert!(counter.try_replace_in_place(at, document("4").encoded()));
        assert_eq!(text_of(&counter), "{\"a\":[1,2],\"b\":4}");
        assert!(!counter.try_replace_in_place(at, document("400").encoded()), "a longer scalar is refused");
        let array = counter.root().member(b"a").unwrap().value.offset();
        assert!(
            !counter.try_replace_in_place(array, document("[[],[]]").encoded()),
            "a container is refused"
        );
        let shared = counter.clone();
        assert!(!counter.try_replace_in_place(at, document("5").encoded()));
        assert_eq!(text_of(&shared), "{\"a\":[1,2],\"b\":4}");
        drop(shared);
        assert!(counter.try_replace_in_place(at, document("5").encoded()));
    }
}
