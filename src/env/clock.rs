//! Time of day and elapsed time.
//!
//! Invariants:
//! * `elapsed` never decreases, whatever happens to the time of day;
//! * two clocks share nothing: a test that moves one does not affect another.
#![allow(clippy::disallowed_methods, reason = "this module is the only access to the system's clocks")]

use std::fmt::Debug;
#[cfg(not(target_os = "linux"))]
use std::time::Instant;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A source of time.
pub trait Clock: Debug + Send + Sync {
    /// Milliseconds since 1970-01-01 UTC. Can jump in either direction, and differs between nodes.
    fn now_ms(&self) -> u64;

    /// Monotonic time since a fixed moment in the life of this clock, for intervals and timeouts.
    fn elapsed(&self) -> Duration;
}

/// The clocks of the operating system.
#[derive(Debug)]
pub struct SystemClock {
    start: Duration,
}

impl SystemClock {
    pub fn new() -> SystemClock {
        SystemClock { start: since_boot() }
    }
}

impl Default for SystemClock {
    fn default() -> SystemClock {
        SystemClock::new()
    }
}

impl Clock for SystemClock {
    fn now_ms(&self) -> u64 {
        // A clock set before 1970 reads as 1970: no deadline is earlier.
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
    }

    fn elapsed(&self) -> Duration {
        since_boot().saturating_sub(self.start)
    }
}

/// The clock that includes the time the machine sleeps: deadlines of clients do not stop for it.
#[cfg(target_os = "linux")]
fn since_boot() -> Duration {
    use nix::time::{ClockId, clock_gettime};
    clock_gettime(ClockId::CLOCK_BOOTTIME).expect("every Linux since 2.6.39 has the clock").into()
}

/// Elsewhere, the clock stops while the machine sleeps.
#[cfg(not(target_os = "linux"))]
fn since_boot() -> Duration {
    static FIRST: std::sync::LazyLock<Instant> = std::sync::LazyLock::new(Instant::now);
    FIRST.elapsed()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_system_clock_is_past_2020_and_monotonic() {
        let clock = SystemClock::new();
        let before = clock.elapsed();
        assert!(clock.now_ms() > 1_577_836_800_000);
        assert!(clock.elapsed() >= before);
    }
}
