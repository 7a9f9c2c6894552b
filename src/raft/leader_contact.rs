//! The time at which this node last heard from a leader.
//!
//! Consensus remembers the leader of a term until the next election. Without a majority no election
//! succeeds, and a follower would report a dead leader for ever.
//!
//! Invariant: only messages from a leader of the current or a later term count.

use parking_lot::Mutex;
use tokio::time::Instant;

use super::quorum::PATIENCE;

pub struct LeaderContact(Mutex<Instant>);

impl Default for LeaderContact {
    /// Starts with the present time. A starting node knows the leader of its last term, and thus
    /// reports that leader for [`PATIENCE`] before it has received a message from it.
    fn default() -> LeaderContact {
        LeaderContact(Mutex::new(Instant::now()))
    }
}

impl LeaderContact {
    pub fn heard(&self) {
        *self.0.lock() = Instant::now();
    }

    /// Whether a leader sent something within [`PATIENCE`]. A leader that reaches no majority steps
    /// down after the same time, so a leader that has been silent for longer has probably stepped
    /// down or failed.
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
