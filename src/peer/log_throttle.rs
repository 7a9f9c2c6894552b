//! Limits the rate of repeated warnings: one now and then, with the number of those suppressed
//! since.

use std::collections::BTreeMap;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

/// Often enough for an operator to notice, and no flood.
const INTERVAL: Duration = Duration::from_secs(10);

#[derive(Default)]
pub struct LogThrottle(Mutex<LastLogged>);

/// A throttle for each member. For ids of members only: an unknown sender could invent any number
/// of ids.
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
    /// Returns the number of warnings suppressed since the last one, if another may be logged now.
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
