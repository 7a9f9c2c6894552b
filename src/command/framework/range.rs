//! Ranges of positions, given by two indexes; a negative index counts from the end.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::Args;
use crate::error::CommandError;

/// Two indexes, `start stop`, both inclusive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Indexes {
    pub start: i64,
    pub stop: i64,
}

impl Indexes {
    pub fn parse(args: &mut Args<'_>) -> Result<Indexes, CommandError> {
        Ok(Indexes { start: args.integer()?, stop: args.integer()? })
    }

    /// The positions of the range in a sequence of `len` elements; `0..0` if there are none.
    pub fn within(self, len: usize) -> Range<usize> {
        let length = i64::try_from(len).unwrap_or(i64::MAX);
        let from_start = |index: i64| if index < 0 { (index + length).max(0) } else { index };
        let (start, stop) = (from_start(self.start), from_start(self.stop).min(length - 1));
        // Empty if `stop` lies before the first element, for example -5 in a sequence of four.
        let none = start > stop || self.stop.checked_add(length).is_some_and(|stop| stop < 0);
        let range = if none { 0..0 } else { start as usize..stop as usize + 1 };
        assert!(range.start <= range.end && range.end <= len, "a range lies within its sequence");
        range
    }
}

/// The position of an index, which may count from the end; `None` if it is out of range.
pub fn position(index: i64, len: usize) -> Option<usize> {
    let length = i64::try_from(len).unwrap_or(i64::MAX);
    let position = if index < 0 { index + length } else { index };
    usize::try_from(position).ok().filter(|&position| position < len)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn indexes_count_from_either_end() {
        let within = |start, stop, len| Indexes { start, stop }.within(len);
        assert_eq!(within(0, -1, 4), 0..4);
        assert_eq!(within(1, 2, 4), 1..3);
        assert_eq!(within(-3, -2, 4), 1..3);
        assert_eq!(within(-100, 100, 4), 0..4);
        assert_eq!(within(i64::MIN, i64::MAX, 4), 0..4);
        for (start, stop, len) in [(2, 1, 4), (4, 9, 4), (0, -5, 4), (0, i64::MIN, 4), (0, -1, 0), (0, 0, 0)]
        {
            assert!(within(start, stop, len).is_empty(), "{start} {stop} of {len}");
        }
    }

    #[test]
    fn one_index_is_a_position_or_none() {
        assert_eq!([0, 3, -1, -4].map(|index| position(index, 4)), [Some(0), Some(3), Some(3), Some(0)]);
        assert_eq!([4, -5, i64::MIN, i64::MAX].map(|index| position(index, 4)), [None; 4]);
    }
}
