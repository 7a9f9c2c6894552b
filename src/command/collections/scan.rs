//! SSCAN, HSCAN and ZSCAN: `key cursor [MATCH pattern] [COUNT count] [NOVALUES]`, iterates over the
//! elements of a collection in several calls. Only HSCAN accepts NOVALUES.
//!
//! The collection interprets the cursor. It guarantees that an element which exists from the first
//! call to the last is returned exactly once.

use std::marker::PhantomData;

use bytes::Bytes;

use super::{Indexed, Keyed};
use crate::command::framework::bulks::bulks;
use crate::command::framework::glob;
use crate::command::{Args, Command, Context, Read, Spec};
use crate::error::CommandError;
use crate::keyspace::{Element, Key, View};
use crate::resp::Reply;

/// The default of `COUNT`, as in Redis.
const COUNT_DEFAULT: i64 = 10;

pub struct Scan<C> {
    key: Key,
    page: Page,
    kind: PhantomData<C>,
}

/// The arguments of one call of a scan.
pub struct Page {
    pub cursor: u64,
    pub count: usize,
    pattern: Option<Bytes>,
    /// Set by `NOVALUES`: the reply has no values.
    pub without_values: bool,
}

impl<C: Keyed> Command for Scan<C> {
    const SPEC: Spec = C::SCAN;
}

impl<C: Keyed> Read for Scan<C> {
    fn parse(args: &mut Args<'_>, _context: &Context) -> Result<Scan<C>, CommandError> {
        let key = args.key()?;
        Ok(Scan { key, page: Page::parse(args, C::HAS_VALUES)?, kind: PhantomData })
    }

    fn run(self, keyspace: &View<'_>) -> Result<Reply, CommandError> {
        let found =
            keyspace.with_collection(self.key.as_bytes(), |collection: &C| collection.page(&self.page))?;
        let (elements, next) = found.unwrap_or(Ok((Vec::new(), 0)))?;
        Ok(Reply::Array(vec![Reply::bulk(next.to_string()), Reply::Array(elements)]))
    }
}

impl Page {
    fn parse(args: &mut Args<'_>, has_values: bool) -> Result<Page, CommandError> {
        let cursor = std::str::from_utf8(args.word()?).ok().and_then(|text| text.parse().ok());
        let cursor = cursor.ok_or(CommandError::fixed("ERR invalid cursor"))?;
        let (mut pattern, mut count, mut without_values) = (None, COUNT_DEFAULT, false);
        while !args.is_empty() {
            if args.keyword("NOVALUES") {
                if !has_values {
                    return Err(CommandError::fixed("ERR NOVALUES option can only be used in HSCAN"));
                }
                without_values = true;
            } else if args.left() < 2 {
                return Err(CommandError::SYNTAX);
            } else if args.keyword("MATCH") {
                pattern = Some(args.word()?.clone());
            } else if args.keyword("COUNT") {
                count = args.integer()?;
            } else {
                return Err(CommandError::SYNTAX);
            }
        }
        let count = usize::try_from(count).ok().filter(|&count| count > 0).ok_or(CommandError::SYNTAX)?;
        Ok(Page { cursor, count, pattern, without_values })
    }

    /// Whether the pattern matches this element.
    pub fn wants(&self, element: &Element) -> Result<bool, CommandError> {
        self.pattern.as_ref().map_or(Ok(true), |pattern| glob::matches(pattern, element.as_bytes()))
    }

    /// Returns those elements at these positions that match the pattern, with their values unless
    /// the type has none or the client omits them; and the cursor for the next call.
    pub fn of<C: Indexed>(
        &self,
        collection: &C,
        (positions, next): (Vec<usize>, u64),
    ) -> Result<(Vec<Reply>, u64), CommandError> {
        let mut wanted = Vec::new();
        for (element, value) in positions.into_iter().filter_map(|position| collection.at(position)) {
            if self.wants(element)? {
                wanted.push(element);
                wanted.extend(value.filter(|_| !self.without_values));
            }
        }
        Ok((bulks(wanted.into_iter())?, next))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{HashMap, HashSet};

    use super::*;
    use crate::keyspace::{Collection, Hash, Set, SortedSet};
    use crate::random::Random;

    fn element(number: u64) -> Element {
        Element::from(number.to_string().as_bytes())
    }

    /// The operations of a collection that the tests use: a scan, and changes during a scan.
    trait Walked: Collection {
        fn put(&mut self, element: Element);
        fn take(&mut self, element: &Element);
        fn call(&self, cursor: u64, count: usize) -> (Vec<Element>, u64);
    }

    macro_rules! walked {
        ($($name:ident, $put:expr, $at:expr;)*) => { $(
            impl Walked for $name {
                fn put(&mut self, element: Element) {
                    let put: fn(&mut $name, Element) = $put;
                    put(self, element);
                }
                fn take(&mut self, element: &Element) {
                    self.remove(element.as_bytes());
                }
                fn call(&self, cursor: u64, count: usize) -> (Vec<Element>, u64) {
                    let at: fn(&$name, usize) -> Element = $at;
                    let (positions, next) = self.walk(cursor, count);
                    (positions.into_iter().map(|position| at(self, position)).collect(), next)
                }
            }
        )* };
    }

    walked! {
        Set, |set, one| _ = set.insert(one), |set, at| set.at(at).unwrap().clone();
        Hash, |hash, one| _ = hash.insert(one, element(0)), |hash, at| hash.at(at).unwrap().0.clone();
        SortedSet, |set, one| _ = set.insert(one, 1.0), |set, at| set.member(at).unwrap().0.clone();
    }

    fn elements_that_stay_are_returned_once<C: Walked>(changes: u64, seed: u64) {
        let mut random = Random::seeded(seed);
        for len in [1000, 200, 5000] {
            let mut collection = C::default();
            (0..len).for_each(|number| collection.put(element(number)));
            let mut stays: HashSet<u64> = (0..len).collect();
            let (mut cursor, mut seen) = (0, HashMap::new());
            loop {
                let (answered, next) = collection.call(cursor, 1 + random.below(60) as usize);
                answered.into_iter().for_each(|one| *seen.entry(one).or_insert(0) += 1);
                cursor = next;
                if cursor == 0 {
                    break;
                }
                for _ in 0..random.below(changes) {
                    let gone = random.below(len);
                    collection.take(&element(gone));
                    stays.remove(&gone);
                    collection.put(element(random.below(len) + len));
                }
            }
            assert!(stays.iter().all(|&number| seen.get(&element(number)) == Some(&1)), "{len} {changes}");
        }
    }

    #[test]
    fn elements_that_stay_are_returned_once_whatever_changes_during_the_scan() {
        for changes in [1, 90, 900] {
            elements_that_stay_are_returned_once::<Set>(changes, 5);
            elements_that_stay_are_returned_once::<Hash>(changes, 6);
            elements_that_stay_are_returned_once::<SortedSet>(changes, 7);
        }
    }

    #[test]
    fn a_collection_may_shrink_and_grow_during_a_scan() {
        let mut set = Set::default();
        (0..1000).for_each(|number| set.put(element(number)));
        let (first, cursor) = set.call(0, 100);
        (0..950).for_each(|number| set.take(&element(number)));
        let (rest, end) = set.call(cursor, 10);
        assert_eq!(end, 0);
        let seen: Vec<&Element> = first.iter().chain(&rest).collect();
        assert!((950..1000).all(|number| seen.iter().filter(|one| ***one == element(number)).count() == 1));
        (0..9000).for_each(|number| set.put(element(number)));
        let (next, _) = set.call(cursor, 10);
        assert!(
            !next.is_empty() && next.iter().all(|one| !first.contains(one)),
            "a cursor stays valid when the index is rebuilt"
        );
    }
}
