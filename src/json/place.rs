//! Where a value lies within its document, as far as an edit has to know.

use super::document::Document;
use super::value::Value;

/// One value inside a document, with what surrounds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The offset of the value's header.
    pub at: usize,
    /// Where the member begins: the key's header in an object; `at` for an array element or the root.
    pub member: usize,
    /// The offset of the container's header; `None` for the root.
    pub parent: Option<usize>,
}

impl Place {
    pub fn value<'a>(&self, document: &'a Document) -> Value<'a> {
        Value::at(document.encoded(), self.at)
    }
}
