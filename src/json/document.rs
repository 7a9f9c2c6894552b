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
