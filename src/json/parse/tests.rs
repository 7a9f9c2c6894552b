use super::*;

/// A document from a text that is right.
pub(in crate::json) fn document(text: &str) -> Document {
    parse(text.as_bytes(), &ParseLimits::default()).unwrap()
}
