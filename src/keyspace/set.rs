//! A set: members in the order of insertion, except that a removal from more than [`SMALL`] members
//! moves the last one into the gap.

use std::hash::{Hash, Hasher};

use indexmap::IndexSet;
use serde::{Deserialize, Serialize, Serializer};

use super::collection::{Collection, Element, Impossible, SMALL, collection};
use super::walk::Walk;

/// Randomly seeded, so that a client cannot choose members that collide. The hash affects nothing
/// that a client can observe.
pub(super) type Hashing = foldhash::fast::RandomState;

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(try_from = "Vec<Element>")]
pub struct Set {
    elements: IndexSet<Element, Hashing>,
    bytes: usize,
    walk: Walk,
}

collection!(Set);

impl Set {
    fn hash_one<H: Hasher>(element: &Element, hasher: &mut H) {
        element.hash(hasher);
    }

    /// Inserts a member. True if it is new.
    pub fn insert(&mut self, element: Element) -> bool {
        let cost = element.cost();
        let (position, new) = self.elements.insert_full(element);
        if new {
            self.bytes += cost;
            let element = self.elements.get_index(position).expect("the member was just inserted");
            self.walk.added(element.as_bytes(), position);
        }
        new
    }

    /// Removes a member. True if it existed.
    pub fn remove(&mut self, element: &[u8]) -> bool {
        match self.elements.get_index_of(element) {
            Some(position) => self.remove_at(position).is_some(),
            None => false,
        }
    }

    /// Removes the member at a position.
    pub fn remove_at(&mut self, position: usize) -> Option<Element> {
        let removed = if self.elements.len() <= SMALL {
            self.walk.forget();
            self.elements.shift_remove_index(position)
        } else {
            let removed = self.elements.swap_remove_index(position);
            if let Some(element) = &removed {
                let last =
                    self.elements.get_index(position).map(|last| (last.as_bytes(), self.elements.len()));
                self.walk.removed(element.as_bytes(), position, last);
            }
            removed
        };
        self.bytes -= removed.as_ref().map_or(0, Element::cost);
        removed
    }

    pub fn contains(&self, element: &[u8]) -> bool {
        self.elements.contains(element)
    }

    /// Continues a walk at `cursor`. Returns the positions of the next elements, at least `count`
    /// of them unless the walk ends, and the next cursor, which is 0 at the end. In a small
    /// collection, one call returns all elements that are left.
    pub fn walk(&self, cursor: u64, count: usize) -> (Vec<usize>, u64) {
        let bytes_at = |position: usize| {
            self.elements.get_index(position).expect("the index holds only positions of members").as_bytes()
        };
        self.walk.from(cursor, count, self.len(), bytes_at)
    }

    pub fn at(&self, position: usize) -> Option<&Element> {
        self.elements.get_index(position)
    }

    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &Element> + ExactSizeIterator + Clone {
        self.elements.iter()
    }
}

impl PartialEq for Set {
    fn eq(&self, other: &Set) -> bool {
        self.iter().eq(other.iter())
    }
}

impl Eq for Set {}

impl FromIterator<Element> for Set {
    fn from_iter<I: IntoIterator<Item = Element>>(elements: I) -> Set {
        let mut set = Set::default();
        elements.into_iter().for_each(|element| {
            set.insert(element);
        });
        set
    }
}

impl Serialize for Set {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

impl TryFrom<Vec<Element>> for Set {
    type Error = Impossible;

    fn try_from(elements: Vec<Element>) -> Result<Set, Impossible> {
        let count = elements.len();
        let set: Set = elements.into_iter().collect();
        match set.len() {
            0 => Err(Impossible("has no elements")),
            len if len < count => Err(Impossible("has an element twice")),
            _ => Ok(set),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(count: usize) -> Set {
        (0..count).map(|number| Element::from(number.to_string().as_bytes())).collect()
    }

    #[test]
    fn the_order_survives_a_snapshot_and_decides_what_is_removed() {
        let mut set = filled(500);
        for number in (0..400).step_by(3) {
            assert!(set.remove(number.to_string().as_bytes()));
        }
        assert!(!set.remove(b"0") && !set.insert(Element::from(&b"1"[..])));
        let bytes = postcard::to_stdvec(&set).unwrap();
        let mut restored: Set = postcard::from_bytes(&bytes).unwrap();
        assert_eq!(restored, set);
        assert_eq!(restored.bytes(), set.bytes());
        for position in [0, 200, 17, 300, 5] {
            assert_eq!(restored.remove_at(position), set.remove_at(position));
        }
        assert_eq!(set.bytes(), set.iter().map(Element::cost).sum::<usize>());
        assert_eq!(set.remove_at(10_000), None);
    }

    #[test]
    fn a_small_set_keeps_its_order_when_a_member_is_removed() {
        let mut set = filled(5);
        set.remove(b"1");
        let left: Vec<_> = set.iter().map(Element::as_bytes).collect();
        assert_eq!(left, [b"0", b"2", b"3", b"4"]);
    }

    #[test]
    fn a_member_that_a_snapshot_repeats_is_refused() {
        assert!(postcard::from_bytes::<Set>(&[2, 1, b'a', 1, b'b']).is_ok());
        assert!(postcard::from_bytes::<Set>(&[2, 1, b'a', 1, b'a']).is_err());
        assert!(postcard::from_bytes::<Set>(&[0]).is_err());
    }
}
