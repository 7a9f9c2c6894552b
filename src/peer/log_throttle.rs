//! Limits the rate of repeated warnings: logs one per interval, with the number of warnings
//! suppressed since the last one.

use std::collections::BTreeMap;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

/// Interval between two warnings: short enough for an operator to notice, long enough not to flood
/// the log.
const INTERVAL: Duration = Duration::from_secs(10);

#[derive(Default)]
pub struct LogThrottle(Mutex<LastLogged>);

/// A separate throttle for each member. Only for ids of members, because an unknown sender could
/// invent any number of ids.
#[derive(Default)]
pub struct MemberLogThrottle(Mutex<BTreeMap<u64, LastLogged>>);

#[derive(Default)]
struct LastLogged {
    at: Option<Instant>,
    suppressed: u64,
}

impl LastLogged {
    fn admit(&mut self) -> Option<u64> {
        if self.at.is_some_and(|at| at.elapsed() < INTERVAL) {
            self.suppressed += 1;
            return None;
        }
        self.at = Some(Instant::now());
        Some(std::mem::take(&mut self.suppressed))
    }
}

impl LogThrottle {
    /// If a warning may be logged now, returns the number of warnings suppressed since the last
    /// one.
    pub fn admit(&self) -> Option<u64> {
        self.0.lock().admit()
    }
}

impl MemberLogThrottle {
    /// Like [`LogThrottle::admit`], for this member.
    pub fn admit(&self, member: u64) -> Option<u64> {
        self.0.lock().entry(member).or_default().admit()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_flood_is_logged_once_and_then_counted() {
        let throttle = LogThrottle::default();
        assert_eq!(throttle.admit(), Some(0));
        assert_eq!((throttle.admit(), throttle.admit()), (None, None));
        tokio::time::advance(INTERVAL).await;
        assert_eq!(throttle.admit(), Some(2));
    }

    #[tokio::test(start_paused = true)]
    async fn a_flood_of_one_member_hides_no_other() {
        let throttle = MemberLogThrottle::default();
        assert_eq!((throttle.admit(1), throttle.admit(1)), (Some(0), None));
        assert_eq!((throttle.admit(2), throttle.admit(2)), (Some(0), None));
        tokio::time::advance(INTERVAL).await;
        assert_eq!((throttle.admit(1), throttle.admit(2)), (Some(1), Some(1)));
    }
}
