//! Time of day and elapsed time.
//!
//! Invariants:
//! * `elapsed` never goes back, whatever happens to the time of day.
//! * Two clocks share nothing: a test that moves one cannot disturb another.
#![allow(clippy::disallowed_methods, reason = "this module is the one door to the system's clocks")]

use std::fmt::Debug;
use std::sync::atomic::{AtomicU64, Ordering};
#[cfg(not(target_os = "linux"))]
use std::time::Instant;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A source of time.
pub trait Clock: Debug + Send + Sync {
    /// Milliseconds since 1970-01-01 UTC. May jump in either direction, and says something else on each node.
    fn now_ms(&self) -> u64;

    /// Time since some fixed moment in the life of this clock; monotonic. For intervals and timeouts.
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
        // A machine set before 1970 reads as 1970: no deadline of ours can lie before it.
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
    }

    fn elapsed(&self) -> Duration {
        since_boot().saturating_sub(self.start)
    }
}

/// What the clock shows that goes on while the machine sleeps: deadlines of clients do not wait for it to wake up.
#[cfg(target_os = "linux")]
fn since_boot() -> Duration {
    use nix::time::{ClockId, clock_gettime};
    clock_gettime(ClockId::CLOCK_BOOTTIME).expect("every Linux since 2.6.39 has the clock").into()
}

/// Elsewhere time stands still while the machine sleeps.
#[cfg(not(target_os = "linux"))]
fn since_boot() -> Duration {
    static FIRST: std::sync::LazyLock<Instant> = std::sync::LazyLock::new(Instant::now);
    FIRST.elapsed()
}

/// A clock that stands still until it is told to move.
#[derive(Debug, Default)]
pub struct ManualClock {
    unix_ms: AtomicU64,
    elapsed_ns: AtomicU64,
}

impl ManualClock {
    pub fn at_ms(unix_ms: u64) -> ManualClock {
        ManualClock { unix_ms: AtomicU64::new(unix_ms), elapsed_ns: AtomicU64::new(0) }
    }

    /// Moves both clocks forward. Less than a millisecond moves only `elapsed`.
    pub fn advance(&self, by: Duration) {
        let ns = u64::try_from(by.as_nanos()).expect("tests advance by less than 584 years");
        self.elapsed_ns.fetch_add(ns, Ordering::SeqCst);
        self.unix_ms.fetch_add(ns / 1_000_000, Ordering::SeqCst);
    }

    /// Sets the time of day, as an operator or NTP would; `elapsed` does not notice.
    pub fn set_ms(&self, unix_ms: u64) {
        self.unix_ms.store(unix_ms, Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now_ms(&self) -> u64 {
        self.unix_ms.load(Ordering::SeqCst)
    }

    fn elapsed(&self) -> Duration {
        Duration::from_nanos(self.elapsed_ns.load(Ordering::SeqCst))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manual_clock_moves_only_when_told() {
        let clock = ManualClock::at_ms(1_000);
        assert_eq!((clock.now_ms(), clock.elapsed()), (1_000, Duration::ZERO));
        clock.advance(Duration::from_millis(250));
        assert_eq!((clock.now_ms(), clock.elapsed()), (1_250, Duration::from_millis(250)));
        clock.set_ms(10);
        assert_eq!((clock.now_ms(), clock.elapsed()), (10, Duration::from_millis(250)));
    }

    #[test]
    fn the_system_clock_is_past_2020_and_monotonic() {
        let clock = SystemClock::new();
        let before = clock.elapsed();
        assert!(clock.now_ms() > 1_577_836_800_000);
        assert!(clock.elapsed() >= before);
    }
}
