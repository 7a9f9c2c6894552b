//! Makes the random choices of commands reproducible: a command takes a seed when it is parsed, and
//! makes its choices from the seed when it runs. The seed of a write is part of its log entry, so
//! every replica makes the same choices.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};

use super::{Budget, Context};

use crate::error::CommandError;
use crate::random::Random;
use crate::resp::Reply;

/// The source from which commands take their seeds.
#[derive(Clone, Copy, Debug)]
pub enum SeedSource {
    /// A new seed for each command.
    Fresh(fn() -> u64),
    /// The same seed for each command, so that a command that is parsed again makes the same
    /// choices.
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

/// The seed from which one command makes its choices.
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

/// The generator for the choices. Its sequence is part of the log's format, because replicas of
/// different versions must make the same choices.
pub struct Rng(u64);

impl Rng {
    /// The next random number, less than `bound`.
    ///
    /// # Panics
    /// If `bound` is 0.
    pub fn below(&mut self, bound: usize) -> usize {
        assert!(bound > 0, "the bound is positive");
        let mut random = Random::seeded(self.0);
        self.0 = random.next_u64();
        random.below(bound as u64) as usize
    }

    /// `count` distinct positions below `len`, in the order of their choice.
    ///
    /// # Panics
    /// If `count` is larger than `len`.
    pub fn sample(&mut self, count: usize, len: usize) -> Vec<usize> {
        assert!(count <= len, "a sample is no larger than its population");
        if count * 2 > len {
            // For a large sample, a partial shuffle avoids repeated draws of the same position.
            let mut all: Vec<usize> = (0..len).collect();
            (0..count).for_each(|position| all.swap(position, position + self.below(len - position)));
            all.truncate(count);
            return all;
        }
        let (mut seen, mut chosen) = (HashSet::with_capacity(count), Vec::with_capacity(count));
        while chosen.len() < count {
            let position = self.below(len);
            if seen.insert(position) {
                chosen.push(position);
            }
        }
        chosen
    }

    /// The chosen positions: `count` distinct ones, or all if there are fewer; for a negative
    /// count, `-count` positions that may repeat.
    ///
    /// # Errors
    /// If a negative count asks for more elements than fit into a reply.
    ///
    /// # Panics
    /// If `count` is negative and `len` is 0.
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
    fn positions_are_distinct_and_follow_from_the_seed() {
        for (count, len) in [(0, 5), (1, 1), (3, 10), (9, 10), (10, 10), (500, 100_000)] {
            let chosen = Rng(7).sample(count, len);
            let different: HashSet<_> = chosen.iter().copied().filter(|&position| position < len).collect();
            assert_eq!((chosen.len(), different.len()), (count, count));
            assert_eq!(Rng(7).sample(count, len), chosen);
        }
        assert_ne!(Rng(7).sample(3, 1000), Rng(8).sample(3, 1000));
    }

    #[test]
    fn every_position_is_chosen_eventually() {
        let mut rng = Rng(1);
        let seen: HashSet<_> = (0..200).map(|_| rng.below(10)).collect();
        assert_eq!(seen.len(), 10);
    }
}
