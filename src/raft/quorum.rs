//! Who answers the leader, and what a leader does that a majority does not answer.
//!
//! A leader that reaches only a few keeps these from following another: five nodes of which the old
//! leader reaches one have a majority without it, and that majority needs the one. So a leader that
//! did not hear from a majority for [`PATIENCE`] stops leading (§6.2 of Ongaro's thesis; etcd's
//! CheckQuorum). openraft does not do it by itself.
//!
//! Invariant: a leader that steps down has done what any node may do at any time: it has entered a
//! later term.

use std::collections::BTreeSet;
use std::time::Duration;

use openraft::async_runtime::Instant as _;
use openraft::raft::VoteRequest;
use tokio::time::Instant;

use super::codec;
use super::consensus::{Consensus, Metrics};
use super::timing::{ELECTION_TIMEOUT_MS_MAX, HEARTBEAT_MS};
use super::types::{TypeConfig, Vote};

/// Twice the time after which a follower that hears nothing stands for election, its leader's lease
/// and then its own timeout: followers whose processor is busy or whose disk is slow for a moment
/// do not end a leadership.
pub const PATIENCE: Duration = Duration::from_millis(4 * ELECTION_TIMEOUT_MS_MAX);
const LOOK_EVERY: Duration = Duration::from_millis(HEARTBEAT_MS);
/// A look that comes later than this says that this node itself stood still: the answers of the
/// others are still to be read.
const STALLED: Duration = Duration::from_millis(4 * HEARTBEAT_MS);

impl Consensus {
    /// Steps down when a majority was not heard from, for as long as it is polled.
    pub(super) async fn watch_quorum(self, own: u64) {
        let mut leading: Option<(u64, Instant)> = None;
        loop {
            let before = Instant::now();
            tokio::time::sleep(LOOK_EVERY).await;
            let Ok(leader) = self.raft.as_leader() else {
                leading = None;
                continue;
            };
            let term = leader.leader_id().term;
            if before.elapsed() > STALLED || leading.is_none_or(|(known, _)| known != term) {
                leading = Some((term, Instant::now()));
            }
            let since = leading.map_or(Duration::ZERO, |(_, since)| since.elapsed());
            let acknowledged = leader.last_quorum_acked().map(|acked| acked.elapsed());
            let unheard = acknowledged.map_or(since, |acknowledged| acknowledged.min(since));
            if unheard > PATIENCE && !self.is_alone() {
                self.step_down(own, term).await;
            }
        }
    }

    /// Enters the next term as if another voter had asked for a vote. That one does not count it,
    /// unless it asks.
    async fn step_down(&self, own: u64, term: u64) {
        let Some(other) = self.voters().into_iter().find(|id| *id != own) else { return };
        tracing::warn!(term, "no majority answers this leader: it leads no more");
        // With a log as long as this one the request is granted; if an entry has come meanwhile,
        // the next look asks again.
        let last = self.last();
        let vote = Vote::new(term + 1, other);
        let mut request = VoteRequest::<TypeConfig>::new(vote, last.map(codec::log_id_at));
        // The lease that stands against other candidates is this node's own.
        request.leadership_transfer = true;
        if let Err(error) = self.raft.vote(request).await {
            tracing::warn!(%error, "this leader could not step down");
        }
    }

    pub fn voters(&self) -> BTreeSet<u64> {
        self.with_metrics(|metrics| metrics.membership_config.voter_ids().collect())
    }

    /// As [`answering`], now.
    pub fn answering(&self) -> BTreeSet<u64> {
        self.with_metrics(answering)
    }

    /// Why a group of these voters would not go on, if it would not: fewer than a majority of them
    /// answer.
    pub fn lacks_majority(&self, voters: &BTreeSet<u64>) -> Option<String> {
        let answering = self.answering().intersection(voters).count();
        let needed = voters.len() / 2 + 1;
        (answering < needed).then(|| {
            let count = voters.len();
            format!("of the {count} voters that there would be {answering} answer, and {needed} are needed")
        })
    }
}

/// The members that a leader heard from within [`PATIENCE`], itself included; of another node, only
/// itself.
pub(super) fn answering(metrics: &Metrics) -> BTreeSet<u64> {
    let heard = metrics.heartbeat.iter().flatten();
    let heard = heard.filter(|(_, at)| at.as_ref().is_some_and(|at| at.elapsed() < PATIENCE));
    heard.map(|(id, _)| *id).chain([metrics.id]).collect()
}
