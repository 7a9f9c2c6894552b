//! The system's randomness as 64-bit numbers: for seeds and names, never for secrets.
//!
//! Invariant: each thread has its own source, so the numbers of one thread do not depend on those
//! of another.
#![allow(clippy::disallowed_methods, reason = "this module is the only access to the system's randomness")]

use std::cell::RefCell;
use std::hash::{BuildHasher, RandomState};

use crate::random::Random;

thread_local! {
    /// The source of this thread. The operating system seeds it through the keys that the standard
    /// library draws for hash maps.
    static THREAD: RefCell<Random> = RefCell::new(Random::seeded(RandomState::new().hash_one(0u64)));
}

/// A random number, seeded by the operating system; on the thread of a simulation, seeded by the
/// simulation.
pub fn random_u64() -> u64 {
    THREAD.with_borrow_mut(Random::next_u64)
}

/// Makes `random` the source of this thread, and returns the previous one.
#[cfg(feature = "testkit")]
pub fn replace_random(random: Random) -> Random {
    THREAD.replace(random)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(feature = "testkit")]
    #[test]
    fn a_seeded_thread_repeats_its_numbers() {
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
