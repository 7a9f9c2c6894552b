//! One JSON value as a reference-counted, encoded buffer.

use std::sync::Arc;

use super::value::Value;

/// An immutable JSON value. A clone shares the buffer.
#[derive(Clone)]
pub struct Document {
    bytes: Arc<[u8]>,
}

impl Document {
    /// Takes bytes that this process encoded itself, by a [`super::Builder`] or an edit.
    pub fn from_trusted(bytes: &[u8]) -> Document {
        debug_assert_eq!(Value::at(bytes, 0).end(), bytes.len(), "one value fills a document");
        Document { bytes: Arc::from(bytes) }
    }

    pub fn root(&self) -> Value<'_> {
        Value::at(&self.bytes, 0)
    }

    pub fn encoded(&self) -> &[u8] {
        &self.bytes
    }
}

impl PartialEq for Document {
    fn eq(&self, other: &Document) -> bool {
        self.bytes == other.bytes
    }
}

impl Eq for Document {}

impl std::fmt::Debug for Document {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "Document({} bytes)", self.bytes.len())
    }
}

impl serde::Serialize for Document {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.bytes)
    }
}

/// Takes bytes from the log or a snapshot, which a checksum has covered.
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
                    return Err(E::custom("not an encoded document"));
                }
                Ok(Document::from_trusted(bytes))
            }
        }
        deserializer.deserialize_bytes(DocumentVisitor)
    }
}
