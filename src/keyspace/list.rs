//! A list: elements in sequence, with cheap changes at both ends.

use std::collections::VecDeque;
use std::hash::{Hash, Hasher};

use serde::{Deserialize, Serialize, Serializer};

use super::collection::{Collection, Element, Impossible, collection};

/// A list with a capacity of up to this number of elements, a kilobyte, keeps its spare capacity.
const ROOM_MIN: usize = 64;

#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(try_from = "VecDeque<Element>")]
pub struct List {
    elements: VecDeque<Element>,
    bytes: usize,
}

collection!(List);

impl List {
    fn hash_one<H: Hasher>(element: &Element, hasher: &mut H) {
        element.hash(hasher);
    }

    pub fn push_front(&mut self, element: Element) {
        self.bytes += element.cost();
        self.elements.push_front(element);
    }

    pub fn push_back(&mut self, element: Element) {
        self.bytes += element.cost();
        self.elements.push_back(element);
    }

    pub fn pop_front(&mut self) -> Option<Element> {
        let element = self.elements.pop_front()?;
        self.bytes -= element.cost();
        self.shrink_if_sparse();
        Some(element)
    }

    pub fn pop_back(&mut self) -> Option<Element> {
        let element = self.elements.pop_back()?;
        self.bytes -= element.cost();
        self.shrink_if_sparse();
        Some(element)
    }

    pub fn get(&self, position: usize) -> Option<&Element> {
        self.elements.get(position)
    }

    /// Replaces the element at `position`.
    ///
    /// # Panics
    /// If the list has no such position.
    pub fn set(&mut self, position: usize, element: Element) {
        self.bytes += element.cost();
        let before = std::mem::replace(&mut self.elements[position], element);
        self.bytes -= before.cost();
    }

    /// Inserts `element` before the one at `position`, or at the end.
    ///
    /// # Panics
    /// If `position` is greater than the length.
    pub fn insert(&mut self, position: usize, element: Element) {
        self.bytes += element.cost();
        self.elements.insert(position, element);
    }

    /// Removes every element outside of `range`.
    ///
    /// # Panics
    /// If the range is not within the list.
    pub fn keep(&mut self, range: std::ops::Range<usize>) {
        assert!(
            range.start <= range.end && range.end <= self.elements.len(),
            "the range lies within the list"
        );
        let behind = self.elements.drain(range.end..).map(|element| element.cost()).sum::<usize>();
        let before = self.elements.drain(..range.start).map(|element| element.cost()).sum::<usize>();
        self.bytes -= behind + before;
        self.shrink_if_sparse();
    }

    /// Removes up to `count` elements that equal `element`, starting at one of the ends, and
    /// returns how many it removed.
    pub fn remove_equal(&mut self, element: &[u8], count: usize, from_back: bool) -> usize {
        let equal = self.elements.iter().filter(|one| one.as_bytes() == element).count();
        let removed = equal.min(count);
        // Equal elements are interchangeable: to remove the last of them, the loop keeps the first
        // ones.
        let mut kept = if from_back { equal - removed } else { 0 };
        let mut left = removed;
        self.elements.retain(|one| {
            if one.as_bytes() != element || left == 0 {
                return true;
            }
            if kept > 0 {
                kept -= 1;
                return true;
            }
            left -= 1;
            self.bytes -= one.cost();
            false
        });
        assert_eq!(left, 0, "every counted element was removed");
        removed
    }

    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &Element> + ExactSizeIterator + Clone {
        self.elements.iter()
    }

    /// The elements of a range that lies within the list.
    pub fn range(&self, range: std::ops::Range<usize>) -> impl DoubleEndedIterator<Item = &Element> + Clone {
        self.elements.range(range)
    }

    /// Frees memory once the list has lost most of its elements. It leaves room for growth, so that
    /// a shrinking list moves each element at most once on average.
    fn shrink_if_sparse(&mut self) {
        let room = self.elements.capacity();
        if room > ROOM_MIN && room / 4 > self.elements.len() {
            self.elements.shrink_to(room / 2);
        }
    }
}

impl Serialize for List {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

impl TryFrom<VecDeque<Element>> for List {
    type Error = Impossible;

    fn try_from(elements: VecDeque<Element>) -> Result<List, Impossible> {
        if elements.is_empty() {
            return Err(Impossible("has no elements"));
        }
        let bytes = elements.iter().map(Element::cost).sum();
        Ok(List { elements, bytes })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(text: &str) -> List {
        let mut list = List::default();
        text.split(' ').for_each(|word| list.push_back(Element::from(word.as_bytes())));
        list
    }

    fn text(list: &List) -> String {
        let counted: usize = list.iter().map(Element::cost).sum();
        assert_eq!(counted, list.bytes(), "the kept cost is the sum over the elements");
        let words: Vec<_> = list.iter().map(|one| String::from_utf8_lossy(one.as_bytes())).collect();
        words.join(" ")
    }

    #[test]
    fn equal_elements_go_from_either_end() {
        for (count, from_back, wanted) in
            [(2, false, "b c a d"), (2, true, "a b c d"), (9, true, "b c d"), (0, false, "a b a c a d")]
        {
            let mut list = list("a b a c a d");
            let removed = list.remove_equal(b"a", count, from_back);
            assert_eq!((removed, text(&list).as_str()), (count.min(3), wanted));
        }
    }

    #[test]
    fn elements_are_edited_at_any_position() {
        let mut list = list("a b c d");
        list.set(1, Element::from(&b"longer"[..]));
        list.insert(0, Element::from(&b"first"[..]));
        list.insert(5, Element::from(&b"last"[..]));
        assert_eq!(text(&list), "first a longer c d last");
        list.keep(1..3);
        assert_eq!(text(&list), "a longer");
        assert_eq!(list.pop_back(), Some(Element::from(&b"longer"[..])));
        list.keep(0..0);
        assert!(list.is_empty() && list.pop_front().is_none() && list.bytes() == 0);
    }

    #[test]
    fn a_snapshot_keeps_a_list_and_refuses_an_empty_one() {
        let list = list("a b a");
        let bytes = postcard::to_stdvec(&list).unwrap();
        assert_eq!(postcard::from_bytes::<List>(&bytes).unwrap(), list);
        assert!(postcard::from_bytes::<List>(&[0]).is_err());
    }
}
