//! Ranges of members: given by two ranks, two scores or two names.

use std::cmp::Ordering;
use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::command::Args;
use crate::command::framework::range::Indexes;
use crate::command::strings::number::real;
use crate::error::CommandError;
use crate::keyspace::{Collection, Element, SortedSet};

const NOT_SCORES: CommandError = CommandError::fixed("ERR min or max is not a float");
const NOT_NAMES: CommandError = CommandError::fixed("ERR min or max not valid string range item");

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Bounds {
    Ranks(Indexes),
    Scores { min: Limit<f64>, max: Limit<f64> },
    Names { min: Limit<Element>, max: Limit<Element> },
}

/// A bound of a range.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Limit<T> {
    /// `-`: before every member.
    First,
    Including(T),
    Excluding(T),
    /// `+`: after every member.
    Last,
}

impl<T> Limit<T> {
    /// Whether an element lies before a range that begins at this bound. `compare` compares the
    /// bound with the element.
    fn begins_after(&self, compare: impl Fn(&T) -> Ordering) -> bool {
        match self {
            Limit::First => false,
            Limit::Including(limit) => compare(limit).is_gt(),
            Limit::Excluding(limit) => compare(limit).is_ge(),
            Limit::Last => true,
        }
    }

    /// Whether an element lies before the end of a range that ends at this bound.
    fn ends_after(&self, compare: impl Fn(&T) -> Ordering) -> bool {
        match self {
            Limit::First => false,
            Limit::Including(limit) => compare(limit).is_ge(),
            Limit::Excluding(limit) => compare(limit).is_gt(),
            Limit::Last => true,
        }
    }
}

impl Bounds {
    /// Parses `start stop`.
    pub fn ranks(args: &mut Args<'_>) -> Result<Bounds, CommandError> {
        Indexes::parse(args).map(Bounds::Ranks)
    }

    /// Parses `min max`; if the range is walked backward, `max min`.
    pub fn scores(args: &mut Args<'_>, backward: bool) -> Result<Bounds, CommandError> {
        let (one, other) = (score(args.word()?)?, score(args.word()?)?);
        let (min, max) = if backward { (other, one) } else { (one, other) };
        Ok(Bounds::Scores { min, max })
    }

    /// Parses `min max`; if the range is walked backward, `max min`.
    pub fn names(args: &mut Args<'_>, backward: bool) -> Result<Bounds, CommandError> {
        let (one, other) = (name(args.word()?)?, name(args.word()?)?);
        let (min, max) = if backward { (other, one) } else { (one, other) };
        Ok(Bounds::Names { min, max })
    }

    /// The ranks of the members within the bounds, counted from the lowest score. Bounds that are
    /// ranks count from the highest score if the range is walked backward.
    pub fn within(&self, set: &SortedSet, backward: bool) -> Range<usize> {
        let range = match self {
            Bounds::Ranks(indexes) => {
                let range = indexes.within(set.len());
                match backward {
                    true => set.len() - range.end..set.len() - range.start,
                    false => range,
                }
            }
            Bounds::Scores { min, max } => {
                let compare =
                    |score: f64| move |limit: &f64| limit.partial_cmp(&score).expect("no score is NaN");
                set.rank_of_score(|score| min.begins_after(compare(score)))
                    ..set.rank_of_score(|score| max.ends_after(compare(score)))
            }
            Bounds::Names { min, max } => {
                set.rank_of_member(|name| min.begins_after(|limit| limit.as_bytes().cmp(name)))
                    ..set.rank_of_member(|name| max.ends_after(|limit| limit.as_bytes().cmp(name)))
            }
        };
        assert!(
            range.start <= set.len() && range.end <= set.len(),
            "a rank is at most the number of members"
        );
        if range.start < range.end { range } else { 0..0 }
    }
}

fn score(word: &[u8]) -> Result<Limit<f64>, CommandError> {
    match word.strip_prefix(b"(") {
        Some(word) => real(word).map(Limit::Excluding),
        None => real(word).map(Limit::Including),
    }
    .ok_or(NOT_SCORES)
}

fn name(word: &[u8]) -> Result<Limit<Element>, CommandError> {
    match word {
        b"-" => Ok(Limit::First),
        b"+" => Ok(Limit::Last),
        [b'[', name @ ..] => Ok(Limit::Including(Element::from(name))),
        [b'(', name @ ..] => Ok(Limit::Excluding(Element::from(name))),
        _ => Err(NOT_NAMES),
    }
}
