//! The time at which this node last heard from a leader.
//!
//! Consensus remembers the leader of a term until the next election. Without a majority there is no
//! next election, and a follower would name a dead leader for ever.
//!
//! Invariant: only a leader of the current or a later term counts as heard.

use parking_lot::Mutex;
use tokio::time::Instant;

use super::quorum::PATIENCE;

pub struct LeaderContact(Mutex<Instant>);

impl Default for LeaderContact {
    /// At its start a node knows the leader of its last term, and gives it the time to answer.
    fn default() -> LeaderContact {
        LeaderContact(Mutex::new(Instant::now()))
    }
}

impl LeaderContact {
    pub fn heard(&self) {
        *self.0.lock() = Instant::now();
    }

    /// Whether a leader was heard from within [`PATIENCE`]: by then it has stepped down itself if
    /// it reaches no majority.
    pub fn is_recent(&self) -> bool {
        self.0.lock().elapsed() < PATIENCE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_leader_that_is_not_heard_from_is_named_no_more() {
        let contact = LeaderContact::default();
        tokio::time::advance(PATIENCE / 2).await;
        contact.heard();
        tokio::time::advance(PATIENCE / 2).await;
        assert!(contact.is_recent());
        tokio::time::advance(PATIENCE / 2).await;
        assert!(!contact.is_recent());
        contact.heard();
        assert!(contact.is_recent());
    }
}
