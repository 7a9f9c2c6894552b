//! Choices from one drawn number.
//!
//! A command draws when it is parsed and chooses when it runs; a write carries the number through the log, and every
//! replica makes the same choices from it.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};

use super::{Args, Budget, Context};
use crate::error::Answer;
use crate::random::Random;
use crate::resp::Reply;

/// Where a number comes from.
#[derive(Clone, Copy, Debug)]
pub enum Draw {
    /// A new one each time.
    Fresh(fn() -> u64),
    /// One that was drawn before, so that whoever has it comes to the same choices.
    Drawn(u64),
}

impl Draw {
    pub fn next(self) -> u64 {
        match self {
            Draw::Fresh(draw) => draw(),
            Draw::Drawn(number) => number,
        }
    }
}

/// A number that was drawn, and the sequence that follows from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chance(u64);

impl Chance {
    pub fn draw(context: &Context) -> Chance {
        Chance(context.chance.next())
    }

    /// The next number below `bound`.
    ///
    /// # Panics
    /// If `bound` is 0.
    pub fn below(&mut self, bound: usize) -> usize {
        assert!(bound > 0, "there is something to choose from");
        let mut random = Random::seeded(self.0);
        self.0 = random.next_u64();
        random.below(bound as u64) as usize
    }

    /// `count` different places of `len`, in the order in which they were chosen.
    ///
    /// # Panics
    /// If there are not so many.
    pub fn some_of(&mut self, count: usize, len: usize) -> Vec<usize> {
        assert!(count <= len, "so many places there are not");
        if count * 2 > len {
            // Most of them: a shuffle of all needs no second tries.
            let mut all: Vec<usize> = (0..len).collect();
            (0..count).for_each(|place| all.swap(place, place + self.below(len - place)));
            all.truncate(count);
            return all;
        }
        let (mut seen, mut chosen) = (HashSet::with_capacity(count), Vec::with_capacity(count));
        while chosen.len() < count {
            let place = self.below(len);
            if seen.insert(place) {
                chosen.push(place);
            }
        }
        chosen
    }

    /// The count of a command that chooses, in the bounds of Redis: one that has no opposite number, or of which twice as
    /// much is none, is no count.
    ///
    /// # Errors
    /// When it is out of them.
    pub fn count(args: &mut Args<'_>) -> Result<i64, Answer> {
        match args.integer()? {
            i64::MIN => Err(Answer::OUT_OF_RANGE),
            count => Ok(count),
        }
    }

    /// What a count asks for: so many different places, or all; or, if it is negative, so many that may be equal.
    ///
    /// # Errors
    /// When they are too many for one reply.
    pub fn places(&mut self, count: i64, len: usize) -> Result<Vec<usize>, Answer> {
        let wanted = usize::try_from(count.unsigned_abs()).unwrap_or(usize::MAX);
        if count >= 0 {
            return Ok(if wanted >= len { (0..len).collect() } else { self.some_of(wanted, len) });
        }
        Budget::default().spend(wanted.saturating_mul(size_of::<Reply>()))?;
        Ok((0..wanted).map(|_| self.below(len)).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_different_and_follow_from_the_number() {
        for (count, len) in [(0, 5), (1, 1), (3, 10), (9, 10), (10, 10), (500, 100_000)] {
            let chosen = Chance(7).some_of(count, len);
            let different: HashSet<_> = chosen.iter().copied().filter(|&place| place < len).collect();
            assert_eq!((chosen.len(), different.len()), (count, count));
            assert_eq!(Chance(7).some_of(count, len), chosen);
        }
        assert_ne!(Chance(7).some_of(3, 1000), Chance(8).some_of(3, 1000));
    }

    #[test]
    fn every_place_is_chosen_now_and_then() {
        let mut chance = Chance(1);
        let seen: HashSet<_> = (0..200).map(|_| chance.below(10)).collect();
        assert_eq!(seen.len(), 10);
    }
}
