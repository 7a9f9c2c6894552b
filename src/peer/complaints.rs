//! Limits the rate of repeated warnings: one now and then, with the number of those suppressed
//! since.

use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

/// Often enough for an operator to notice, and no flood.
const TELL_AGAIN: Duration = Duration::from_secs(10);

#[derive(Default)]
pub struct Complaints(Mutex<Told>);

#[derive(Default)]
struct Told {
    last: Option<Instant>,
    untold: u64,
}

impl Complaints {
    /// Returns the number of warnings suppressed since the last one, if another may be logged now.
    pub fn may_tell(&self) -> Option<u64> {
        let mut told = self.0.lock();
        if told.last.is_some_and(|last| last.elapsed() < TELL_AGAIN) {
            told.untold += 1;
            return None;
        }
        told.last = Some(Instant::now());
        Some(std::mem::take(&mut told.untold))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_flood_is_logged_once_and_then_counted() {
        let complaints = Complaints::default();
        assert_eq!(complaints.may_tell(), Some(0));
        assert_eq!((complaints.may_tell(), complaints.may_tell()), (None, None));
        tokio::time::advance(TELL_AGAIN).await;
        assert_eq!(complaints.may_tell(), Some(2));
    }
}
