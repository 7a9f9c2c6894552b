//! A hash: fields with their values, in the order of insertion, except that a removal from more
//! than [`SMALL`] fields moves the last one into the gap.

use std::hash::Hasher;

use indexmap::IndexMap;
use serde::{Deserialize, Serialize, Serializer};

use super::collection::{Collection, Element, Impossible, SMALL, collection};
use super::set::Hashing;
use super::walk::Walk;

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(try_from = "Vec<(Element, Element)>")]
pub struct Hash {
    elements: IndexMap<Element, Element, Hashing>,
    bytes: usize,
    walk: Walk,
}

collection!(Hash);

impl Hash {
    fn hash_one<H: Hasher>(pair: (&Element, &Element), hasher: &mut H) {
        std::hash::Hash::hash(&pair, hasher);
    }

    /// Sets a field. True if the field is new; an existing field keeps its position.
    pub fn insert(&mut self, field: Element, value: Element) -> bool {
        let (of_field, of_value) = (field.cost(), value.cost());
        let (position, before) = self.elements.insert_full(field, value);
        match before {
            Some(before) => {
                self.bytes = self.bytes + of_value - before.cost();
                false
            }
            None => {
                self.bytes += of_field + of_value;
                let (field, _) = self.elements.get_index(position).expect("the field was just inserted");
                self.walk.added(field.as_bytes(), position);
                true
            }
        }
    }

    /// Removes a field. True if it existed.
    pub fn remove(&mut self, field: &[u8]) -> bool {
        let removed = if self.elements.len() <= SMALL {
            self.walk.forget();
            self.elements.shift_remove_entry(field)
        } else {
            self.elements.swap_remove_full(field).map(|(position, field, value)| {
                let last = self.elements.get_index(position);
                let last = last.map(|(last, _)| (last.as_bytes(), self.elements.len()));
                self.walk.removed(field.as_bytes(), position, last);
                (field, value)
            })
        };
        self.bytes -= removed.as_ref().map_or(0, |(field, value)| field.cost() + value.cost());
        removed.is_some()
    }

    pub fn get(&self, field: &[u8]) -> Option<&Element> {
        self.elements.get(field)
    }

    pub fn contains(&self, field: &[u8]) -> bool {
        self.elements.contains_key(field)
    }

    /// Continues a walk at `cursor`. Returns the positions of the next elements, at least `count`
    /// of them unless the walk ends, and the next cursor, which is 0 at the end. In a small
    /// collection, one call returns all elements that are left.
    pub fn walk(&self, cursor: u64, count: usize) -> (Vec<usize>, u64) {
        let bytes_at = |position: usize| {
            self.elements.get_index(position).expect("the index holds only positions of fields").0.as_bytes()
        };
        self.walk.from(cursor, count, self.len(), bytes_at)
    }

    pub fn at(&self, position: usize) -> Option<(&Element, &Element)> {
        self.elements.get_index(position)
    }

    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (&Element, &Element)> + ExactSizeIterator + Clone {
        self.elements.iter()
    }
}

impl PartialEq for Hash {
    fn eq(&self, other: &Hash) -> bool {
        self.iter().eq(other.iter())
    }
}

impl Eq for Hash {}

impl Serialize for Hash {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

impl TryFrom<Vec<(Element, Element)>> for Hash {
    type Error = Impossible;

    fn try_from(pairs: Vec<(Element, Element)>) -> Result<Hash, Impossible> {
        let mut hash = Hash::default();
        if pairs.is_empty() {
            return Err(Impossible("has no elements"));
        }
        let all_new = pairs.into_iter().all(|(field, value)| hash.insert(field, value));
        if all_new { Ok(hash) } else { Err(Impossible("has a field twice")) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn element(text: &str) -> Element {
        Element::from(text.as_bytes())
    }

    #[test]
    fn the_cost_follows_every_change() {
        let mut hash = Hash::default();
        for number in 0..300 {
            assert!(hash.insert(element(&format!("field{number}")), element("v")));
        }
        for number in (0..300).step_by(2) {
            assert!(!hash.insert(element(&format!("field{number}")), element(&"w".repeat(number))));
        }
        for number in (0..300).step_by(3) {
            assert!(hash.remove(format!("field{number}").as_bytes()));
        }
        let counted: usize = hash.iter().map(|(field, value)| field.cost() + value.cost()).sum();
        assert_eq!((hash.len(), hash.bytes()), (200, counted));
        assert!(!hash.remove(b"field0") && hash.get(b"field0").is_none() && hash.contains(b"field1"));
    }

    #[test]
    fn a_field_keeps_its_position_when_its_value_changes() {
        let mut hash = Hash::default();
        ["a", "b", "c", "b"].into_iter().for_each(|field| {
            hash.insert(element(field), element("x"));
        });
        let fields: Vec<_> = hash.iter().map(|(field, _)| field.as_bytes()).collect();
        assert_eq!(fields, [b"a", b"b", b"c"]);
        assert_eq!(hash.at(1), Some((&element("b"), &element("x"))));
    }

    #[test]
    fn the_order_survives_a_snapshot() {
        let mut hash = Hash::default();
        for number in 0..300 {
            hash.insert(element(&number.to_string()), element("v"));
        }
        hash.remove(b"7");
        let bytes = postcard::to_stdvec(&hash).unwrap();
        let restored: Hash = postcard::from_bytes(&bytes).unwrap();
        assert_eq!(restored, hash);
        assert_eq!(restored.bytes(), hash.bytes());
        assert!(postcard::from_bytes::<Hash>(&[2, 1, b'a', 0, 1, b'a', 0]).is_err());
        assert!(postcard::from_bytes::<Hash>(&[0]).is_err());
    }
}
