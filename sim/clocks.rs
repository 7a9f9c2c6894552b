//! The time and the delays of one node, as its machine has them.
//!
//! Invariants:
//! * the monotonic clock advances by [`HostClock::tick`] alone, at a speed of its own;
//! * delays depend on the seed, and on how slow the disk was made.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use jsonvault::env::{Clock, Delays};
use jsonvault::random::Random;
use parking_lot::Mutex;

use crate::host::Settings;
use crate::mistakes::Mistake;

/// The wall clock at the start of a simulation.
const EPOCH_MS: u64 = 1_700_000_000_000;
/// The longest delay of work on a disk that is not slow.
const DELAY_US_MAX: u64 = 8_000;
/// How far a wall clock may be ahead at the start.
const AHEAD_MS_MAX: u64 = 500;

/// A node's clocks.
#[derive(Debug)]
pub struct HostClock {
    /// The true time since the start of the simulation.
    now_ms: Arc<AtomicU64>,
    /// The time since then on this node's monotonic clock.
    own_us: AtomicU64,
    /// How much too fast the monotonic clock is, in millionths. Only the differences between nodes
    /// matter, so no clock is slow.
    drift_ppm: u64,
    drifted: AtomicU64,
    /// How far the wall clock is ahead; an operator may change it at any time.
    ahead_ms: AtomicI64,
    /// Whether the monotonic clock shows the time of the wall clock: a planted bug.
    is_wall: bool,
}

impl HostClock {
    pub fn new(now_ms: Arc<AtomicU64>, random: &mut Random, settings: &Settings) -> HostClock {
        let ahead_ms = AtomicI64::new(random.below(AHEAD_MS_MAX) as i64);
        let drift_ppm = random.below(settings.drift_ppm_max + 1);
        HostClock {
            now_ms,
            own_us: AtomicU64::new(0),
            drift_ppm,
            drifted: AtomicU64::new(0),
            ahead_ms,
            is_wall: settings.mistake == Some(Mistake::DeadlinesByWallClock),
        }
    }

    /// Lets a millisecond of true time pass. Returns how many passed on this clock: usually one.
    pub fn tick(&self) -> u64 {
        // Parts of a microsecond are kept for the next ticks.
        let drifted = self.drifted.fetch_add(self.drift_ppm, Ordering::Relaxed) + self.drift_ppm;
        let passed_us = 1_000 + drifted / 1_000 - (drifted - self.drift_ppm) / 1_000;
        let before = self.own_us.fetch_add(passed_us, Ordering::Relaxed);
        (before + passed_us) / 1_000 - before / 1_000
    }

    /// What the wall clock shows, in unix milliseconds.
    pub fn wall_ms(&self) -> u64 {
        let true_ms = EPOCH_MS + self.now_ms.load(Ordering::Relaxed);
        true_ms.saturating_add_signed(self.ahead_ms.load(Ordering::Relaxed))
    }

    pub fn set_ahead(&self, ahead_ms: i64) {
        self.ahead_ms.store(ahead_ms, Ordering::Relaxed);
    }
}

impl Clock for HostClock {
    fn now_ms(&self) -> u64 {
        self.wall_ms()
    }

    fn elapsed(&self) -> Duration {
        match self.is_wall {
            true => Duration::from_millis(self.wall_ms()),
            false => Duration::from_millis(self.own_us.load(Ordering::Relaxed) / 1_000),
        }
    }
}

/// The delays of a node's work on its disk: mostly short, now and then long.
#[derive(Debug)]
pub struct HostDelays {
    random: Mutex<Random>,
    longest_us: AtomicU64,
}

impl Default for HostDelays {
    fn default() -> HostDelays {
        HostDelays { random: Mutex::new(Random::seeded(0)), longest_us: AtomicU64::new(DELAY_US_MAX) }
    }
}

impl HostDelays {
    /// Sets the seed of the delays, at each start of the node.
    pub fn reseed(&self, seed: u64) {
        *self.random.lock() = Random::seeded(seed);
    }

    /// Makes work take up to this long; 0 for the usual time.
    pub fn set_longest(&self, ms: u64) {
        self.longest_us.store((ms * 1_000).max(DELAY_US_MAX), Ordering::Relaxed);
    }
}

impl Delays for HostDelays {
    fn next(&self) -> Duration {
        let mut random = self.random.lock();
        let longest = if random.one_in(4) { self.longest_us.load(Ordering::Relaxed) } else { 500 };
        Duration::from_micros(random.below(longest))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_gains_what_it_drifts_and_no_more() {
        let settings = Settings { drift_ppm_max: 500, ..Settings::roomy(1) };
        let clock = HostClock::new(Arc::default(), &mut Random::seeded(3), &settings);
        let passed: u64 = (0..1_000_000).map(|_| clock.tick()).sum();
        assert_eq!(passed, 1_000_000 + clock.drift_ppm);
        assert_eq!(clock.elapsed(), Duration::from_millis(passed));
    }
}
