//! Changes of membership and transfers of leadership, through openraft.

use std::collections::BTreeSet;
use std::time::Duration;

use openraft::ChangeMembers;
use openraft::errors::{ClientWriteError, RaftError};
use tokio::time::timeout;

use super::consensus::{Consensus, Metrics};
use super::quorum::answering;
use super::status::matched;
use super::timing::ELECTION_TIMEOUT_MS_MAX;
use super::types::TypeConfig;
use crate::peer::{ChangeRefused, Member};

/// How long a membership change may take once it has been proposed.
pub const CHANGE_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a new node may take to catch up before the attempt to make it a voter is given up and
/// it stays a learner: enough for a large snapshot over a slow line.
const CATCH_UP_TIMEOUT: Duration = Duration::from_secs(24 * 3600);
/// How long a transfer of leadership may take: enough for an election by the next leader.
pub const TAKE_OVER_TIMEOUT: Duration = Duration::from_millis(5 * ELECTION_TIMEOUT_MS_MAX);

impl Consensus {
    /// Adds a node as a learner, which has no vote.
    pub async fn add_learner(&self, id: u64, member: Member) -> Result<(), ChangeRefused> {
        done(timeout(CHANGE_TIMEOUT, self.raft.add_learner(id, member, false)).await)
    }

    /// Makes a learner a voter.
    pub async fn add_voter(&self, id: u64) -> Result<(), ChangeRefused> {
        let change = ChangeMembers::AddVoterIds(BTreeSet::from([id]));
        done(timeout(CHANGE_TIMEOUT, self.raft.change_membership(change, false)).await)
    }

    /// Removes a member, and returns once the metrics no longer list it, or after a timeout.
    /// `votes`: whether the member is a voter.
    pub async fn remove(&self, id: u64, votes: bool) -> Result<(), ChangeRefused> {
        let ids = BTreeSet::from([id]);
        let change = match votes {
            true => ChangeMembers::RemoveVoters(ids),
            false => ChangeMembers::RemoveNodes(ids),
        };
        done(timeout(CHANGE_TIMEOUT, self.raft.change_membership(change, false)).await)?;
        // openraft publishes its metrics a moment late, and the checks before the next change read
        // them.
        let gone = move |metrics: &Metrics| metrics.membership_config.membership().get_node(&id).is_none();
        let _ = self.raft.wait(Some(CHANGE_TIMEOUT)).metrics(gone, "a node was removed").await;
        Ok(())
    }

    /// Waits until a learner has every entry that this leader has committed. Also returns `true` if
    /// this node stops leading; returns `false` on a timeout, or if consensus stops.
    pub async fn until_caught_up(&self, id: u64) -> bool {
        let caught_up = move |metrics: &Metrics| {
            let committed = metrics.local_committed.as_ref().map(|id| id.index());
            metrics.replication.is_none() || matched(metrics, id) >= committed
        };
        let wait = self.raft.wait(Some(CATCH_UP_TIMEOUT));
        wait.metrics(caught_up, "a learner has caught up").await.is_ok()
    }

    /// Transfers leadership to this voter, and waits until another node leads.
    pub async fn transfer_to(&self, to: u64) -> Result<(), ChangeRefused> {
        let stopped = |error: openraft::errors::Fatal<TypeConfig>| ChangeRefused::Unknown(error.to_string());
        self.raft.trigger().transfer_leader(to).await.map_err(stopped)?;
        let taken_over =
            |metrics: &Metrics| metrics.current_leader.is_some_and(|leader| leader != metrics.id);
        let waited = self.raft.wait(Some(TAKE_OVER_TIMEOUT)).metrics(taken_over, "another node leads").await;
        match waited.map(|metrics| metrics.current_leader) {
            Ok(Some(leader)) if leader == to => {
                tracing::info!(leader, "handed leadership over");
                Ok(())
            }
            Ok(Some(leader)) => Err(ChangeRefused::Impossible(format!(
                "node {to} did not take over: node {leader} was elected and leads now"
            ))),
            Ok(None) | Err(_) => Err(ChangeRefused::Unknown(format!("node {to} did not take over in time"))),
        }
    }

    /// The other voter whose log is the longest, preferring voters that answer.
    pub fn furthest_voter(&self) -> Option<u64> {
        self.with_metrics(|metrics| {
            let answering = answering(metrics);
            let others = metrics.membership_config.voter_ids().filter(|id| *id != metrics.id);
            others.max_by_key(|id| (answering.contains(id), matched(metrics, *id)))
        })
    }
}

type Outcome<T> =
    Result<Result<T, RaftError<TypeConfig, ClientWriteError<TypeConfig>>>, tokio::time::error::Elapsed>;

fn done<T>(outcome: Outcome<T>) -> Result<(), ChangeRefused> {
    match outcome {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(RaftError::APIError(ClientWriteError::ForwardToLeader(_)))) => Err(ChangeRefused::NotLeader),
        Ok(Err(RaftError::APIError(ClientWriteError::ChangeMembershipError(error)))) => {
            Err(ChangeRefused::Impossible(error.to_string()))
        }
        Ok(Err(error)) => Err(ChangeRefused::Unknown(error.to_string())),
        Err(_) => Err(ChangeRefused::Unknown("the change was not committed in time".to_string())),
    }
}
