//! The locations that a path matches.

use super::{Document, Kind, Value};

/// The address of one value within one document, in bytes from the start of the encoded document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Location {
    /// The offset of the value's header.
    pub at: usize,
    /// The offset where the member begins: that of the key's header for a member of an object,
    /// otherwise `at`.
    pub member: usize,
    /// The offset of the header of the container that holds the value; `None` for the root.
    pub parent: Option<usize>,
}

impl Location {
    pub fn value<'a>(&self, document: &'a Document) -> Value<'a> {
        Value::at(document.encoded(), self.at)
    }
}

/// The offset, among ascending `offsets`, whose path from the root sorts last: member names compare
/// by their bytes, array positions by number, and a value sorts before its children. One walk down
/// the document finds it for any number of offsets.
///
/// # Panics
/// If `offsets` is empty.
pub fn last_by_steps(document: &Document, offsets: &[usize]) -> usize {
    let (mut value, mut within) = (document.root(), offsets);
    loop {
        let below = &within[within.partition_point(|&at| at <= value.offset())..];
        if below.is_empty() {
            assert!(!within.is_empty(), "the walk descends only into values that contain an offset");
            return value.offset();
        }
        (value, within) = last_child(value, below);
    }
}

/// Of the children that contain some of the offsets, the one whose name or position sorts last,
/// with the offsets that it contains.
fn last_child<'a, 'o>(value: Value<'a>, mut offsets: &'o [usize]) -> (Value<'a>, &'o [usize]) {
    let mut held_by = |child: Value<'_>| {
        let (held, rest) = offsets.split_at(offsets.partition_point(|&at| at < child.end()));
        offsets = rest;
        held
    };
    let mut last: Option<(&[u8], Value<'a>, &'o [usize])> = None;
    if value.kind() == Kind::Object {
        for member in value.members() {
            let held = held_by(member.value);
            if !held.is_empty() && last.is_none_or(|(key, ..)| key < member.key) {
                last = Some((member.key, member.value, held));
            }
        }
    }
    for element in value.elements() {
        let held = held_by(element);
        if !held.is_empty() {
            last = Some((b"", element, held));
        }
    }
    let (_, child, held) = last.expect("an offset within a container lies within a child");
    (child, held)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::parse::tests::document;
    use crate::json::path::{Fuel, Path};

    #[test]
    fn the_last_of_several_locations_is_found_by_names_and_positions() {
        for (text, path, wanted) in [
            (r#"{"l":1}"#, "$..l", "1"),
            (r#"{"l":1,"o":{"l":2}}"#, "$..l", "2"),
            (r#"{"o":{"l":2},"l":1}"#, "$..l", "2"),
            (r#"{"l":1,"a":{"l":2}}"#, "$..l", "1"),
            (r#"{"l":{"l":2}}"#, "$..l", "2"),
            ("[0,1,2,3,4,5,6,7,8,9,10]", "$[*]", "10"),
            (r#"{"b":{"z":1},"a":{"z":2},"c":[[5],[6]]}"#, "$..*", "6"),
            ("7", "$", "7"),
        ] {
            let document = document(text);
            let locations = Path::parse(path.as_bytes()).unwrap();
            let locations = locations.locations(&document, &mut Fuel::for_document(&document)).unwrap();
            let mut offsets: Vec<usize> = locations.iter().map(|location| location.at).collect();
            offsets.sort_unstable();
            let last = Value::at(document.encoded(), last_by_steps(&document, &offsets));
            let mut out = Vec::new();
            crate::json::print(last, &crate::json::Style::default(), &mut out);
            assert_eq!(String::from_utf8(out).unwrap(), wanted, "{path} of {text}");
        }
    }
}
