//! Clocks for the time of day and for elapsed time.
//!
//! Invariants:
//! * `elapsed` never decreases, even if the time of day is set back;
//! * clocks are independent: a test that changes one does not affect another.
#![allow(clippy::disallowed_methods, reason = "this module is the only access to the system's clocks")]

use std::fmt::Debug;
#[cfg(not(target_os = "linux"))]
use std::time::Instant;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A source of time.
pub trait Clock: Debug + Send + Sync {
    /// Milliseconds since 1970-01-01 UTC. They can jump in either direction, and differ between
    /// nodes.
    fn now_ms(&self) -> u64;

    /// Monotonic time since some fixed moment, for intervals and timeouts. The moment differs
    /// between clocks.
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
        // A clock that is set to a time before 1970 reads as 1970, because no deadline is earlier.
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
    }

    fn elapsed(&self) -> Duration {
        since_boot().saturating_sub(self.start)
    }
}

/// The time since the machine started, including time in which it was suspended, because clients'
/// deadlines continue then.
#[cfg(target_os = "linux")]
fn since_boot() -> Duration {
    use nix::time::{ClockId, clock_gettime};
    clock_gettime(ClockId::CLOCK_BOOTTIME).expect("every Linux since 2.6.39 has the clock").into()
}

/// On other systems, this clock stops while the machine is suspended.
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
