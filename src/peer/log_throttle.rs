//! Limits the rate of repeated warnings: one now and then, with the number of those suppressed
//! since.

use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

/// Often enough for an operator to notice, and no flood.
const INTERVAL: Duration = Duration::from_secs(10);

#[derive(Default)]
pub struct LogThrottle(Mutex<LastLogged>);

#[derive(Default)]
struct LastLogged {
    at: Option<Instant>,
    suppressed: u64,
}

impl LogThrottle {
    /// Returns the number of warnings suppressed since the last one, if another may be logged now.
    pub fn admit(&self) -> Option<u64> {
        let mut state = self.0.lock();
        if state.at.is_some_and(|at| at.elapsed() < INTERVAL) {
            state.suppressed += 1;
            return None;
        }
        state.at = Some(Instant::now());
        Some(std::mem::take(&mut state.suppressed))
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
}
