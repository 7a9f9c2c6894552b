//! Random 64-bit numbers from the operating system, for seeds and names; and random bytes for
//! secrets.
//!
//! Invariant: each thread has its own source, so a thread's numbers do not depend on other threads.
#![allow(clippy::disallowed_methods, reason = "this module is the only access to the system's randomness")]

use std::cell::RefCell;
use std::hash::{BuildHasher, RandomState};

use crate::random::Random;

thread_local! {
    /// This thread's source of random numbers. Its seed comes from the operating system, through
    /// the keys that the standard library generates for hash maps.
    static THREAD: RefCell<Random> = RefCell::new(Random::seeded(RandomState::new().hash_one(0u64)));
}

/// A random number. On the thread of a simulation it comes from the simulation's seed, otherwise
/// from a seed of the operating system.
pub fn random_u64() -> u64 {
    THREAD.with_borrow_mut(Random::next_u64)
}

/// Random bytes that nobody can guess, for passwords.
///
/// # Errors
/// If the operating system gives none.
pub fn secret_bytes<const COUNT: usize>() -> std::io::Result<[u8; COUNT]> {
    let mut bytes = [0; COUNT];
    std::io::Read::read_exact(&mut std::fs::File::open("/dev/urandom")?, &mut bytes)?;
    Ok(bytes)
}

/// Replaces the source of this thread by `random`, and returns the previous one.
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
    fn secrets_are_not_repeated() {
        let draw = || secret_bytes::<32>().expect("the system has random bytes");
        assert_ne!(draw(), draw());
        assert_ne!(draw(), [0; 32]);
    }

    #[test]
    fn two_draws_differ() {
        assert_ne!(random_u64(), random_u64());
    }
}
