//! A sorted set: members with scores, sorted by score and then by member.
//!
//! The members are stored in the order of insertion, except that a removal moves the last one into
//! the gap, and [`Order`] holds their positions sorted by score. ZSCAN and snapshots use the stored
//! order; the sorted one is derived from the members.
//!
//! Invariants:
//! * no score is NaN, so scores can be compared;
//! * every member is in [`Order`] once, with its score and its position.

use std::cmp::Ordering;
use std::hash::Hasher;

use indexmap::IndexMap;
use serde::{Deserialize, Serialize, Serializer};

use super::collection::{Collection, Element, Impossible, collection};
use super::order::{Cursor, Order, Ranked};
use super::set::Hashing;
use super::walk::Walk;

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(try_from = "Vec<(Element, f64)>")]
pub struct SortedSet {
    elements: IndexMap<Element, f64, Hashing>,
    order: Order,
    bytes: usize,
    walk: Walk,
}

collection!(SortedSet);

/// The sort order of the set: by score, then by member. Scores are never NaN; -0 equals 0.
fn compare(one: (f64, &[u8]), other: (f64, &[u8])) -> Ordering {
    one.0.partial_cmp(&other.0).expect("no score is NaN").then_with(|| one.1.cmp(other.1))
}

impl SortedSet {
    fn hash_one<H: Hasher>((member, score): (&Element, f64), hasher: &mut H) {
        std::hash::Hash::hash(&(member, score.to_bits()), hasher);
    }

    pub fn score(&self, member: &[u8]) -> Option<f64> {
        self.elements.get(member).copied()
    }

    /// Inserts a member or changes its score, and returns the previous score.
    ///
    /// # Panics
    /// If the score is NaN.
    pub fn insert(&mut self, member: Element, score: f64) -> Option<f64> {
        assert!(!score.is_nan(), "the score is a number");
        let before = match self.elements.get_full(member.as_bytes()) {
            None => {
                let at = self.seek(score, member.as_bytes());
                let position = self.elements.len() as u32;
                self.order.insert(at, Ranked { score, position });
                self.bytes += member.cost();
                self.walk.added(member.as_bytes(), position as usize);
                self.elements.insert(member, score);
                None
            }
            Some((position, _, &before)) => {
                let at = self.seek(before, member.as_bytes());
                let ranked = self.order.remove(at);
                assert_eq!(ranked.position as usize, position, "the order contains every member");
                let at = self.seek(score, member.as_bytes());
                self.order.insert(at, Ranked { score, ..ranked });
                self.elements[position] = score;
                Some(before)
            }
        };
        assert_eq!(self.order.len(), self.elements.len(), "the order contains every member");
        before
    }

    /// Removes a member, and returns its score.
    pub fn remove(&mut self, member: &[u8]) -> Option<f64> {
        let (position, _, &score) = self.elements.get_full(member)?;
        let ranked = self.order.remove(self.seek(score, member));
        assert_eq!(ranked.position as usize, position, "the order contains every member");
        // The last member moves into the gap, so its position in the order changes.
        let last = self.elements.len() - 1;
        if position != last {
            let (last, &score) = self.elements.get_index(last).expect("the set has a last member");
            let at = self.seek(score, last.as_bytes());
            self.order.at_mut(at).expect("the order contains every member").position = ranked.position;
        }
        let (member, score) = self.elements.swap_remove_index(position).expect("the member was just found");
        let moved = self.elements.get_index(position).map(|(moved, _)| (moved.as_bytes(), last));
        self.walk.removed(member.as_bytes(), position, moved);
        self.bytes -= member.cost();
        Some(score)
    }

    /// The member with this rank, and its score.
    pub fn at(&self, rank: usize) -> Option<(&Element, f64)> {
        self.forward(rank).next()
    }

    /// The member at a position in the stored order, with its score.
    pub fn member(&self, position: usize) -> Option<(&Element, f64)> {
        self.elements.get_index(position).map(|(member, &score)| (member, score))
    }

    /// Continues a walk at `cursor`. Returns the positions of the next elements, at least `count`
    /// of them unless the walk ends, and the next cursor, which is 0 at the end. In a small
    /// collection, one call returns all elements that are left.
    pub fn walk(&self, cursor: u64, count: usize) -> (Vec<usize>, u64) {
        let bytes_at = |position: usize| {
            self.elements.get_index(position).expect("the index holds only positions of members").0.as_bytes()
        };
        self.walk.from(cursor, count, self.len(), bytes_at)
    }

    /// The rank of `member`: the number of members that sort before it.
    pub fn rank(&self, member: &[u8]) -> Option<usize> {
        let score = self.score(member)?;
        Some(self.order.rank(self.seek(score, member)))
    }

    /// The number of members whose score satisfies `before`. In ascending order of scores, `before`
    /// must hold up to some score and for none above it.
    pub fn rank_of_score(&self, before: impl Fn(f64) -> bool) -> usize {
        self.order.rank(self.order.seek(|ranked| before(ranked.score)))
    }

    /// The number of members that satisfy `before`, in a set whose scores are all equal. In
    /// ascending order, `before` must hold up to some member and for none after it.
    pub fn rank_of_member(&self, before: impl Fn(&[u8]) -> bool) -> usize {
        self.order.rank(self.order.seek(|ranked| before(self.of(ranked).0.as_bytes())))
    }

    /// The members from rank `from` on, in ascending order.
    pub fn forward(&self, from: usize) -> impl Iterator<Item = (&Element, f64)> + Clone {
        self.order.forward(from).map(|ranked| self.of(ranked))
    }

    /// The members in descending order, from rank `from` counted from the highest.
    pub fn backward(&self, from: usize) -> impl Iterator<Item = (&Element, f64)> + Clone {
        self.order.backward(from).map(|ranked| self.of(ranked))
    }

    /// The members in the stored order.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (&Element, f64)> + ExactSizeIterator + Clone {
        self.elements.iter().map(|(member, &score)| (member, score))
    }

    fn of(&self, ranked: &Ranked) -> (&Element, f64) {
        let (member, _) = self
            .elements
            .get_index(ranked.position as usize)
            .expect("the order holds only positions of members");
        (member, ranked.score)
    }

    fn seek(&self, score: f64, member: &[u8]) -> Cursor {
        self.order.seek(|ranked| {
            let (one, score_of_one) = self.of(ranked);
            compare((score_of_one, one.as_bytes()), (score, member)).is_lt()
        })
    }
}

impl PartialEq for SortedSet {
    fn eq(&self, other: &SortedSet) -> bool {
        self.iter().eq(other.iter())
    }
}

impl Eq for SortedSet {}

impl Serialize for SortedSet {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

impl TryFrom<Vec<(Element, f64)>> for SortedSet {
    type Error = Impossible;

    fn try_from(pairs: Vec<(Element, f64)>) -> Result<SortedSet, Impossible> {
        if pairs.is_empty() || pairs.iter().any(|(_, score)| score.is_nan()) {
            return Err(Impossible("has no elements, or a score that is not a number"));
        }
        let count = pairs.len();
        let bytes = pairs.iter().map(|(member, _)| member.cost()).sum();
        let elements: IndexMap<Element, f64, Hashing> = pairs.into_iter().collect();
        if elements.len() < count {
            return Err(Impossible("has a member twice"));
        }
        let of = |ranked: &Ranked| elements[ranked.position as usize];
        let mut sorted: Vec<Ranked> =
            (0..count as u32).map(|position| Ranked { score: 0.0, position }).collect();
        sorted.iter_mut().for_each(|ranked| ranked.score = of(ranked));
        let name = |ranked: &Ranked| elements.get_index(ranked.position as usize).map(|(member, _)| member);
        sorted.sort_unstable_by(|one, other| {
            let scores = one.score.partial_cmp(&other.score).expect("no score is NaN");
            scores.then_with(|| name(one).cmp(&name(other)))
        });
        let order = Order::from_sorted(&sorted);
        Ok(SortedSet { elements, order, bytes, walk: Walk::default() })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::random::Random;

    fn element(text: &str) -> Element {
        Element::from(text.as_bytes())
    }

    /// All members in sorted order; checks that both directions agree.
    fn all(set: &SortedSet) -> Vec<(String, f64)> {
        set.order.check();
        let text = |(member, score): (&Element, f64)| {
            (String::from_utf8_lossy(member.as_bytes()).into_owned(), score)
        };
        let up: Vec<_> = set.forward(0).map(text).collect();
        let mut down: Vec<_> = set.backward(0).map(text).collect();
        down.reverse();
        assert_eq!(up, down);
        up
    }

    #[test]
    fn a_sorted_set_agrees_with_a_sorted_vector_after_any_sequence_of_edits() {
        let mut random = Random::seeded(11);
        let (mut set, mut model) = (SortedSet::default(), BTreeMap::<String, f64>::new());
        for step in 0..6000 {
            let member = format!("m{}", random.below(1500));
            let score = random.below(40) as f64 / 4.0 - 3.0;
            if random.one_in(4) {
                assert_eq!(set.remove(member.as_bytes()), model.remove(&member));
            } else {
                assert_eq!(set.insert(element(&member), score), model.insert(member, score));
            }
            if step % 500 == 0 {
                let mut wanted: Vec<_> = model.clone().into_iter().collect();
                wanted.sort_by(|one, other| one.1.total_cmp(&other.1).then_with(|| one.0.cmp(&other.0)));
                assert_eq!(all(&set), wanted);
                for (rank, (member, score)) in wanted.iter().enumerate() {
                    assert_eq!(set.rank(member.as_bytes()), Some(rank));
                    assert_eq!(set.at(rank), Some((&element(member), *score)));
                }
                let below = wanted.iter().filter(|(_, score)| *score < 2.0).count();
                assert_eq!(set.rank_of_score(|score| score < 2.0), below);
                assert_eq!(set.backward(below).count(), wanted.len() - below);
                assert_eq!(set.bytes(), set.iter().map(|(member, _)| member.cost()).sum::<usize>());
            }
        }
    }

    #[test]
    fn a_snapshot_keeps_both_orders() {
        let mut set = SortedSet::default();
        for number in 0..1000 {
            set.insert(element(&format!("m{number}")), f64::from(number * 7 % 50));
        }
        (0..1000).step_by(3).for_each(|number| {
            set.remove(format!("m{number}").as_bytes());
        });
        let restored: SortedSet = postcard::from_bytes(&postcard::to_stdvec(&set).unwrap()).unwrap();
        assert_eq!(restored, set);
        assert_eq!(all(&restored), all(&set));
        assert_eq!(restored.bytes(), set.bytes());
        assert_eq!(set.rank_of_member(|_| true), set.len());
    }

    #[test]
    fn an_impossible_snapshot_is_refused() {
        let encoded = |pairs: &[(Element, f64)]| postcard::to_stdvec(pairs).unwrap();
        let read = |bytes: &[u8]| postcard::from_bytes::<SortedSet>(bytes);
        assert!(read(&encoded(&[(element("a"), 1.0), (element("b"), f64::INFINITY)])).is_ok());
        assert!(read(&encoded(&[(element("a"), f64::NAN)])).is_err());
        assert!(read(&encoded(&[(element("a"), 1.0), (element("a"), 2.0)])).is_err());
        assert!(read(&encoded(&[])).is_err());
    }
}
