//! Random delays from a seed, for the work that a simulation runs instead of threads.

use std::time::Duration;

use parking_lot::Mutex;

use crate::env::Delays;
use crate::random::Random;

/// Maximum delay of simulated work, as on a busy disk.
const DELAY_MICROSECONDS_MAX: u64 = 8_000;

/// Delays that are mostly short, and sometimes long.
#[derive(Debug)]
pub struct SeededDelays(Mutex<Random>);

impl SeededDelays {
    pub fn new(seed: u64) -> SeededDelays {
        SeededDelays(Mutex::new(Random::seeded(seed)))
    }
}

impl Delays for SeededDelays {
    fn next(&self) -> Duration {
        let mut random = self.0.lock();
        let longest = if random.one_in(4) { DELAY_MICROSECONDS_MAX } else { 500 };
        Duration::from_micros(random.below(longest))
    }
}
