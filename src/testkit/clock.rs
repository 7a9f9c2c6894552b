//! A clock that moves only on request.
//!
//! Invariant: the clock's times change only by calls of the test.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::env::Clock;

/// A clock that advances only when the test moves it.
#[derive(Debug, Default)]
pub struct ManualClock {
    unix_ms: AtomicU64,
    elapsed_ns: AtomicU64,
}

impl ManualClock {
    pub fn at_ms(unix_ms: u64) -> ManualClock {
        ManualClock { unix_ms: AtomicU64::new(unix_ms), elapsed_ns: AtomicU64::new(0) }
    }

    /// Moves both clocks forward. Fractions of a millisecond move only `elapsed`.
    pub fn advance(&self, by: Duration) {
        let ns = u64::try_from(by.as_nanos()).expect("tests advance by less than 584 years");
        self.elapsed_ns.fetch_add(ns, Ordering::SeqCst);
        self.unix_ms.fetch_add(ns / 1_000_000, Ordering::SeqCst);
    }

    /// Sets the wall clock, as an operator or NTP does; `elapsed` is not affected.
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
    fn a_manual_clock_moves_only_on_request() {
        let clock = ManualClock::at_ms(1_000);
        assert_eq!((clock.now_ms(), clock.elapsed()), (1_000, Duration::ZERO));
        clock.advance(Duration::from_millis(250));
        assert_eq!((clock.now_ms(), clock.elapsed()), (1_250, Duration::from_millis(250)));
        clock.set_ms(10);
        assert_eq!((clock.now_ms(), clock.elapsed()), (10, Duration::from_millis(250)));
    }
}
