//! The soft limit of a client's output: more bytes than this may wait for the client only for some
//! seconds.
//!
//! Invariant: the time runs from the first measurement over the limit, and a measurement below the
//! limit resets it.

use std::time::Duration;

use crate::config::OutputLimit;

/// Measures how long one client's output has been over its soft limit.
#[derive(Debug, Default)]
pub struct SoftLimit {
    over_since: Option<Duration>,
}

impl SoftLimit {
    /// Whether the last measurement was over the limit.
    pub fn is_over(&self) -> bool {
        self.over_since.is_some()
    }

    /// Records that `waiting` bytes wait at the time `now`. Returns whether the output has been
    /// over the limit for too long.
    pub fn is_exceeded(&mut self, waiting: usize, limit: OutputLimit, now: Duration) -> bool {
        if limit.soft_bytes == 0 || (waiting as u64) < limit.soft_bytes {
            self.over_since = None;
            return false;
        }
        match self.over_since {
            None => {
                self.over_since = Some(now);
                false
            }
            Some(since) => now.saturating_sub(since) >= Duration::from_secs(limit.soft_seconds),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_over_the_limit_begins_anew_below_it() {
        let limit = OutputLimit { hard_bytes: 0, soft_bytes: 100, soft_seconds: 60 };
        let mut soft = SoftLimit::default();
        let mut at = |seconds, waiting| soft.is_exceeded(waiting, limit, Duration::from_secs(seconds));
        assert!(!at(0, 99) && !at(1000, 100) && !at(1059, 5000));
        assert!(!at(1059, 99), "a measurement below the limit ends the time over it");
        assert!(!at(1060, 100) && !at(1119, 100));
        assert!(at(1120, 100), "the output has been over the limit for a minute");
        assert!(!at(1121, 99) && !at(1122, 100));
    }

    #[test]
    fn zero_bytes_are_no_limit() {
        let limit = OutputLimit { hard_bytes: 0, soft_bytes: 0, soft_seconds: 0 };
        let mut soft = SoftLimit::default();
        assert!((0..100).all(|second| !soft.is_exceeded(1 << 30, limit, Duration::from_secs(second))));
        assert!(!soft.is_over());
    }
}
