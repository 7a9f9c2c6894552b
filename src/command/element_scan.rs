//! SSCAN, HSCAN and ZSCAN: `key cursor [MATCH pattern] [COUNT count]`.
//!
//! A cursor is how many elements are still to come, counted from the first, and the walk goes from the end to the
//! beginning: an element that goes is replaced by the last one or by those behind it, which have been answered, or moves
//! towards the beginning. So an element that is there from the first call to the last is answered at least once.

use std::ops::Range;

use bytes::Bytes;

use super::Args;
use super::keys::glob;
use crate::error::Answer;
use crate::keyspace::{Element, Key};

/// How many elements a call looks at when the client does not say, as in Redis.
const COUNT_DEFAULT: i64 = 10;

/// A collection of so many elements is answered whole, as Redis does with what it holds in its compact encoding.
pub const WHOLE_MAX: usize = 128;

pub struct ElementScan {
    pub key: Key,
    cursor: u64,
    pattern: Option<Bytes>,
    count: usize,
    /// `NOVALUES` of HSCAN.
    pub without_values: bool,
}

impl ElementScan {
    pub fn parse(args: &mut Args<'_>) -> Result<ElementScan, Answer> {
        let key = args.key()?;
        let cursor = std::str::from_utf8(args.word()?).ok().and_then(|text| text.parse().ok());
        let cursor = cursor.ok_or(Answer::fixed("ERR invalid cursor"))?;
        let (mut pattern, mut count, mut without_values) = (None, COUNT_DEFAULT, false);
        while !args.is_empty() {
            if args.command() == "HSCAN" && args.keyword("NOVALUES") {
                without_values = true;
            } else if args.left() < 2 {
                return Err(Answer::SYNTAX);
            } else if args.keyword("MATCH") {
                pattern = Some(args.word()?.clone());
            } else if args.keyword("COUNT") {
                count = args.integer()?;
            } else {
                return Err(Answer::SYNTAX);
            }
        }
        let count = usize::try_from(count).ok().filter(|&count| count > 0).ok_or(Answer::SYNTAX)?;
        Ok(ElementScan { key, cursor, pattern, count, without_values })
    }

    /// The positions to answer of `len`, and the cursor to go on from; 0 at the end.
    pub fn window(&self, len: usize) -> (Range<usize>, u64) {
        let end = match self.cursor {
            0 => len,
            cursor => usize::try_from(cursor).map_or(len, |cursor| cursor.min(len)),
        };
        let begin = if len <= WHOLE_MAX { 0 } else { end.saturating_sub(self.count) };
        assert!(begin <= end && end <= len, "a window lies within the collection");
        (begin..end, begin as u64)
    }

    /// Whether the client asked for this element.
    pub fn wants(&self, element: &Element) -> Result<bool, Answer> {
        self.pattern.as_ref().map_or(Ok(true), |pattern| glob::matches(pattern, element.as_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::env::Random;
    use crate::keyspace::{Collection, Set};

    fn element(number: u64) -> Element {
        Element::from(number.to_string().as_bytes())
    }

    #[test]
    fn what_stays_is_answered_whatever_comes_and_goes_meanwhile() {
        let mut random = Random::seeded(5);
        for _ in 0..50 {
            let mut set: Set = (0..1000).map(element).collect();
            let mut stays: HashSet<u64> = (0..1000).collect();
            let (mut cursor, mut seen) = (0, HashSet::new());
            loop {
                let scan = ElementScan {
                    key: Key::from(&b"k"[..]),
                    cursor,
                    pattern: None,
                    count: 1 + random.below(60) as usize,
                    without_values: false,
                };
                let (window, next) = scan.window(set.len());
                seen.extend(window.filter_map(|place| set.at(place).cloned()));
                cursor = next;
                if cursor == 0 {
                    break;
                }
                for _ in 0..random.below(90) {
                    let gone = random.below(1000);
                    set.remove(element(gone).as_bytes());
                    stays.remove(&gone);
                    set.insert(element(random.below(2000) + 1000));
                }
            }
            assert!(stays.iter().all(|&number| seen.contains(&element(number))));
        }
    }
}
