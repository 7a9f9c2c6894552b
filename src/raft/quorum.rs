//! Tracks which members answer the leader, and makes a leader step down when no majority answers.
//!
//! A leader that reaches only a few members keeps them from following another. Example: of five
//! nodes, the old leader reaches one, and the other three can elect a leader. If one of these three
//! fails, the two left need the one that still follows the old leader. So a leader that has not
//! heard from a majority for [`PATIENCE`] stops leading (§6.2 of Ongaro's thesis; etcd's
//! CheckQuorum). openraft has no such check.
//!
//! Invariants:
//! * a leader steps down by entering a later term, which any node may do at any time;
//! * openraft's ticks stop only while this node leads and is the only member.

use std::collections::BTreeSet;
use std::time::Duration;

use openraft::async_runtime::Instant as _;
use openraft::raft::VoteRequest;
use tokio::time::Instant;

use super::codec;
use super::consensus::{Consensus, Leads, Metrics, Standing};
use super::timing::{ELECTION_TIMEOUT_MS_MAX, HEARTBEAT_MS};
use super::types::{TypeConfig, Vote};

/// Twice the maximum time after which a follower without a leader starts an election (the leader's
/// lease plus the follower's own timeout). A leader therefore keeps its leadership when the
/// followers' processor or disk is slow for a moment.
pub const PATIENCE: Duration = Duration::from_millis(4 * ELECTION_TIMEOUT_MS_MAX);
const CHECK_INTERVAL: Duration = Duration::from_millis(HEARTBEAT_MS);
/// A check that runs later than this was itself stalled: replies of the other members may have
/// arrived that this node has not read yet, so the time without replies is counted anew.
const STALLED: Duration = Duration::from_millis(4 * HEARTBEAT_MS);

impl Consensus {
    /// Makes this node step down when no majority answers it, for as long as it is polled.
    pub(super) async fn watch_quorum(self, own: u64) {
        let mut leading: Option<(u64, Instant)> = None;
        let mut standing = self.standing();
        loop {
            if standing.leads() != Leads::Others {
                self.rest(&mut standing).await;
                leading = None;
            }
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

    /// Waits until this node leads other members, without a timer. While it leads and is the only
    /// member, it stops openraft's ticks too: they serve heartbeats and elections, and a leader
    /// without other members needs neither.
    async fn rest(&self, standing: &mut Standing) {
        loop {
            let leads = standing.leads();
            self.raft.runtime_config().tick(leads != Leads::Nobody);
            if leads == Leads::Others {
                return;
            }
            standing.changed().await;
        }
    }

    /// Enters the next term as if another voter had asked for a vote. That voter learns nothing of
    /// this: the request is handled by this node alone.
    async fn step_down(&self, own: u64, term: u64) {
        let Some(other) = self.voters().into_iter().find(|id| *id != own) else { return };
        tracing::warn!(term, "this leader steps down: no majority answers");
        // The vote is granted because the request names a log as long as this node's. If an entry
        // arrives in between, the vote is refused, and the next check repeats the request.
        let last = self.last();
        let vote = Vote::new(term + 1, other);
        let mut request = VoteRequest::<TypeConfig>::new(vote, last.map(codec::log_id_at));
        // This flag overrides the lease, which would otherwise forbid a vote for another candidate:
        // the lease is this node's own.
        request.leadership_transfer = true;
        if let Err(error) = self.raft.vote(request).await {
            tracing::warn!(%error, "this leader could not step down");
        }
    }

    pub fn voters(&self) -> BTreeSet<u64> {
        self.with_metrics(|metrics| metrics.membership_config.voter_ids().collect())
    }

    /// The members that answer this node now, see [`answering`].
    pub fn answering(&self) -> BTreeSet<u64> {
        self.with_metrics(answering)
    }

    /// Returns the reason if fewer than a majority of these voters answer this node.
    pub fn lacks_majority(&self, voters: &BTreeSet<u64>) -> Option<String> {
        let answering = self.answering().intersection(voters).count();
        let needed = voters.len() / 2 + 1;
        (answering < needed).then(|| {
            let count = voters.len();
            format!("only {answering} of {count} voters would answer, but {needed} are needed")
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
