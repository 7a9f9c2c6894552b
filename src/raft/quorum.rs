//! Tracks which members answer the leader, and makes a leader step down when a majority does not.
//!
//! A leader that reaches only a few members keeps them from following another. If the old leader of
//! five nodes reaches one of them, the other three have a majority; with one of these down, they
//! need that one. So a leader that has not heard from a majority for [`PATIENCE`] stops leading
//! (§6.2 of Ongaro's thesis; etcd's CheckQuorum). openraft does not do this.
//!
//! Invariant: a leader steps down by entering a later term, which any node may do at any time.

use std::collections::BTreeSet;
use std::time::Duration;

use openraft::async_runtime::Instant as _;
use openraft::raft::VoteRequest;
use tokio::time::Instant;

use super::codec;
use super::consensus::{Consensus, Metrics};
use super::timing::{ELECTION_TIMEOUT_MS_MAX, HEARTBEAT_MS};
use super::types::{TypeConfig, Vote};

/// Twice the time after which a follower that hears nothing starts an election (its leader's
/// lease, then its own timeout): a briefly busy processor or slow disk of the followers does not
/// end a leadership.
pub const PATIENCE: Duration = Duration::from_millis(4 * ELECTION_TIMEOUT_MS_MAX);
const CHECK_INTERVAL: Duration = Duration::from_millis(HEARTBEAT_MS);
/// A check that comes later than this means that this node itself was stalled, and has answers of
/// the others still to read.
const STALLED: Duration = Duration::from_millis(4 * HEARTBEAT_MS);

impl Consensus {
    /// Steps down when no majority has answered, for as long as it is polled.
    pub(super) async fn watch_quorum(self, own: u64) {
        let mut leading: Option<(u64, Instant)> = None;
        loop {
            let before = Instant::now();
            tokio::time::sleep(CHECK_INTERVAL).await;
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

    /// Enters the next term as if another voter had asked for a vote. That voter does not count the
    /// vote, because it did not ask.
    async fn step_down(&self, own: u64, term: u64) {
        let Some(other) = self.voters().into_iter().find(|id| *id != own) else { return };
        tracing::warn!(term, "this leader steps down: no majority answers");
        // The request is granted because it names a log as long as this one; if an entry arrived
        // meanwhile, the next check repeats the request.
        let last = self.last();
        let vote = Vote::new(term + 1, other);
        let mut request = VoteRequest::<TypeConfig>::new(vote, last.map(codec::log_id_at));
        // The lease that would forbid another candidate is this node's own.
        request.leadership_transfer = true;
        if let Err(error) = self.raft.vote(request).await {
            tracing::warn!(%error, "this leader could not step down");
        }
    }

    pub fn voters(&self) -> BTreeSet<u64> {
        self.with_metrics(|metrics| metrics.membership_config.voter_ids().collect())
    }

    /// The members that answer now, as [`answering`] has it.
    pub fn answering(&self) -> BTreeSet<u64> {
        self.with_metrics(answering)
    }

    /// Returns the reason if fewer than a majority of these voters answer.
    pub fn lacks_majority(&self, voters: &BTreeSet<u64>) -> Option<String> {
        let answering = self.answering().intersection(voters).count();
        let needed = voters.len() / 2 + 1;
        (answering < needed).then(|| {
            let count = voters.len();
            format!("{answering} of the {count} voters that there would be answer, and {needed} are needed")
        })
    }
}

/// The members that a leader has heard from within [`PATIENCE`], itself included; on any other
/// node, only itself.
pub(super) fn answering(metrics: &Metrics) -> BTreeSet<u64> {
    let heard = metrics.heartbeat.iter().flatten();
    let heard = heard.filter(|(_, at)| at.as_ref().is_some_and(|at| at.elapsed() < PATIENCE));
    heard.map(|(id, _)| *id).chain([metrics.id]).collect()
}
