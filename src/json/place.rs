//! Where a path has matched.

use super::{Document, Value};

/// The address of one value within one document, in bytes from the start of its buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The offset of the value's header.
    pub at: usize,
    /// The offset where the member begins: the key's header for a member of an object, `at` otherwise.
    pub member: usize,
    /// The offset of the header of the container that holds the value; the root has none.
    pub parent: Option<usize>,
}

impl Place {
    pub fn value<'a>(&self, document: &'a Document) -> Value<'a> {
        Value::at(document.encoded(), self.at)
    }
}
