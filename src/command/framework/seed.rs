//! Random choices of commands: a command takes a seed when it is parsed and chooses when it runs.
//!
//! A write carries its seed through the log, and every replica makes the same choices from it.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};

use super::{Budget, Context};

use crate::error::CommandError;
use crate::random::Random;
use crate::resp::Reply;

/// Where the seeds of commands come from.
#[derive(Clone, Copy, Debug)]
pub enum SeedSource {
    /// A new one for each command.
    Fresh(fn() -> u64),
    /// The same for each, so that a command that is parsed again makes the same choices.
    Fixed(u64),
}

impl SeedSource {
    pub fn next(self) -> u64 {
        match self {
            SeedSource::Fresh(next) => next(),
            SeedSource::Fixed(seed) => seed,
        }
    }
}

/// What the choices of one command follow from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seed(u64);

impl Seed {
    pub fn of(context: &Context) -> Seed {
        Seed(context.seed.next())
    }

    pub fn rng(self) -> Rng {
        Rng(self.0)
    }
}

/// The sequence of choices that follows from a seed. It is part of the log's format: replicas of
/// different versions have to choose alike.
pub struct Rng(u64);

impl Rng {
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

    /// `count` different positions below `len`, in the order in which they were chosen.
    ///
    /// # Panics
    /// If `count` is larger than `len`.
    pub fn sample(&mut self, count: usize, len: usize) -> Vec<usize> {
        assert!(count <= len, "a sample is no larger than what it is taken from");
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

    /// What a count asks for: so many different places, or all; or, if it is negative, so many that
    /// may be equal.
    ///
    /// # Errors
    /// When they are too many for one reply.
    pub fn positions(&mut self, count: i64, len: usize) -> Result<Vec<usize>, CommandError> {
        let wanted = usize::try_from(count.unsigned_abs()).unwrap_or(usize::MAX);
        if count >= 0 {
            return Ok(if wanted >= len { (0..len).collect() } else { self.sample(wanted, len) });
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
            let chosen = Rng(7).sample(count, len);
            let different: HashSet<_> = chosen.iter().copied().filter(|&place| place < len).collect();
            assert_eq!((chosen.len(), different.len()), (count, count));
            assert_eq!(Rng(7).sample(count, len), chosen);
        }
        assert_ne!(Rng(7).sample(3, 1000), Rng(8).sample(3, 1000));
    }

    #[test]
    fn every_place_is_chosen_now_and_then() {
        let mut rng = Rng(1);
        let seen: HashSet<_> = (0..200).map(|_| rng.below(10)).collect();
        assert_eq!(seen.len(), 10);
    }
}
