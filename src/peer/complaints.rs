//! What goes wrong again and again is told now and then, with how often it went wrong since.

use std::collections::BTreeMap;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

/// Often enough that an operator who looks sees it, and no flood.
const TELL_AGAIN: Duration = Duration::from_secs(10);

#[derive(Default)]
pub struct Complaints(Mutex<Told>);

/// Complaints of each member apart. Ids of members only: a stranger could invent any number of ids.
#[derive(Default)]
pub struct MemberComplaints(Mutex<BTreeMap<u64, Told>>);

#[derive(Default)]
struct Told {
    last: Option<Instant>,
    untold: u64,
}

impl Told {
    fn may_tell(&mut self) -> Option<u64> {
        if self.last.is_some_and(|last| last.elapsed() < TELL_AGAIN) {
            self.untold += 1;
            return None;
        }
        self.last = Some(Instant::now());
        Some(std::mem::take(&mut self.untold))
    }
}

impl Complaints {
    /// Whether to tell of one more: how many were not told since the last, if so.
    pub fn may_tell(&self) -> Option<u64> {
        self.0.lock().may_tell()
    }
}

impl MemberComplaints {
    /// As [`Complaints::may_tell`], of this member.
    pub fn may_tell(&self, member: u64) -> Option<u64> {
        self.0.lock().entry(member).or_default().may_tell()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_flood_is_told_once_and_then_counted() {
        let complaints = Complaints::default();
        assert_eq!(complaints.may_tell(), Some(0));
        assert_eq!((complaints.may_tell(), complaints.may_tell()), (None, None));
        tokio::time::advance(TELL_AGAIN).await;
        assert_eq!(complaints.may_tell(), Some(2));
    }

    #[tokio::test(start_paused = true)]
    async fn a_flood_of_one_member_hides_no_other() {
        let complaints = MemberComplaints::default();
        assert_eq!((complaints.may_tell(1), complaints.may_tell(1)), (Some(0), None));
        assert_eq!((complaints.may_tell(2), complaints.may_tell(2)), (Some(0), None));
        tokio::time::advance(TELL_AGAIN).await;
        assert_eq!((complaints.may_tell(1), complaints.may_tell(2)), (Some(1), Some(1)));
    }
}
