//! The system's randomness, in numbers of 64 bits: for seeds and names, never for secrets.
//!
//! Invariant: each thread has a source of its own, so what one draws changes nothing of what
//! another gets.
#![allow(clippy::disallowed_methods, reason = "this module is the one door to the system's randomness")]

use std::cell::RefCell;
use std::hash::{BuildHasher, RandomState};

use crate::random::Random;

thread_local! {
    /// What this thread takes for the operating system's randomness, which seeds it through the
    /// keys that the standard library draws for its hash maps.
    static THREAD: RefCell<Random> = RefCell::new(Random::seeded(RandomState::new().hash_one(0u64)));
}

/// A number that the operating system seeded; on a thread that simulates, one that follows from the
/// simulation's seed.
pub fn random_u64() -> u64 {
    THREAD.with_borrow_mut(Random::next_u64)
}

/// Makes `random` the source of this thread and returns the one before: from now on everything here
/// that asks for the system's randomness gets numbers that its seed chose.
#[cfg(feature = "testkit")]
pub fn replace_random(random: Random) -> Random {
    THREAD.replace(random)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(feature = "testkit")]
    #[test]
    fn a_thread_that_simulates_repeats_itself() {
        let draw = || {
            let before = replace_random(Random::seeded(3));
            let drawn = (random_u64(), random_u64());
            replace_random(before);
            drawn
        };
        assert_eq!(draw(), draw());
    }

    #[test]
    fn two_draws_differ() {
        assert_ne!(random_u64(), random_u64());
    }
}
