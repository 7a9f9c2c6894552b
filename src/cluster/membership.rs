//! Nodes that join and leave while the group runs, and the hand-over of leadership.
//!
//! A new node enters as a learner: it gets the log, or a snapshot and the log, and has no vote. Once it has caught up it
//! is made a voter through joint consensus (§6 of the paper), so that at no moment two majorities decide apart.
//!
//! Invariants:
//! * one change at a time;
//! * the last voter stays;
//! * after a change the voters that answer are a majority, unless an operator forces it;
//! * a number changes its incarnation only by leaving and entering again, as a learner;
//! * a leader that hands over has answered everything that it proposed.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use openraft::ChangeMembers;
use openraft::async_runtime::watch::WatchReceiver;
use openraft::errors::{ClientWriteError, RaftError};
use tokio::time::{Instant, timeout};

use super::group::{ELECTION_TIMEOUT_MS_MAX, Group};
use super::router::Leader;
use crate::peer::Member;
use crate::peer::{Change, ChangeRefused, Request, Response};
use crate::raft::proposer::Closed;
use crate::raft::status::matched;
use crate::raft::types::TypeConfig;

/// How long a change may take once it was begun.
pub const CHANGE_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a new node may take to catch up before it is left a learner: a large snapshot over a slow line.
const CATCH_UP_TIMEOUT: Duration = Duration::from_secs(24 * 3600);
/// What was proposed before a hand-over, or before a node gives its group up, is answered within this; after a hand-over the
/// next leader has an election's time.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(2);
const TAKE_OVER_TIMEOUT: Duration = Duration::from_millis(5 * ELECTION_TIMEOUT_MS_MAX);
const LOOK_AGAIN: Duration = Duration::from_millis(5);
/// How long the earlier incarnation of a node may go on answering before the later one is refused: its last answer is to
/// be forgotten, and no more.
const SILENCE_PATIENCE: Duration = Duration::from_secs(3);

impl Group {
    /// Has the leader make a change, wherever it is.
    pub async fn change(&self, change: Change) -> Result<(), ChangeRefused> {
        let patience = Instant::now() + TAKE_OVER_TIMEOUT;
        loop {
            let outcome = match self.leader() {
                Leader::Here => self.change_here(change.clone()).await,
                Leader::There(id, member) => {
                    let request = Request::Change(change.clone());
                    match timeout(2 * CHANGE_TIMEOUT, self.clients().call(id, &member, &request)).await {
                        Ok(Ok(Response::Changed(outcome))) => outcome,
                        Ok(Err(crate::peer::CallError::NotSent)) => Err(ChangeRefused::NotLeader),
                        Ok(_) | Err(_) => {
                            Err(ChangeRefused::Unknown("the leader did not answer".to_string()))
                        }
                    }
                }
                Leader::Nobody => Err(ChangeRefused::NotLeader),
            };
            if outcome != Err(ChangeRefused::NotLeader) {
                return outcome;
            }
            self.look_again(patience).await.map_err(|_| ChangeRefused::NotLeader)?;
        }
    }

    /// Makes a change as the leader.
    pub(crate) async fn change_here(&self, change: Change) -> Result<(), ChangeRefused> {
        if !self.may_propose() {
            return Err(ChangeRefused::NotLeader);
        }
        let busy = || ChangeRefused::Later("another change of the cluster is under way".to_string());
        let _one_at_a_time = self.changing().try_lock().map_err(|_| busy())?;
        match change {
            Change::Add { id, member } => self.add(id, member).await,
            Change::Claim { id, incarnation } => match self.member_nodes().get(&id) {
                Some(known) if known.incarnation == incarnation => {
                    self.begin_promoting(id);
                    Ok(())
                }
                _ => Err(ChangeRefused::Impossible(format!("node {id} is no member"))),
            },
            Change::Remove { id, force } => self.remove(id, force).await,
            Change::Transfer { to } => self.hand_over(to).await,
        }
    }

    pub(crate) fn member_nodes(&self) -> BTreeMap<u64, Member> {
        let metrics = self.raft().metrics();
        let metrics = metrics.borrow_watched();
        metrics.membership_config.nodes().map(|(id, member)| (*id, member.clone())).collect()
    }

    /// Takes a node in as a learner; it becomes a voter by itself once it has caught up.
    async fn add(&self, id: u64, member: Member) -> Result<(), ChangeRefused> {
        let impossible = |reason: String| Err(ChangeRefused::Impossible(reason));
        let (nodes, voters) = (self.member_nodes(), self.voters());
        match nodes.get(&id) {
            Some(known) if !known.is_at_the_place_of(&member) => {
                return impossible(format!("node {id} is a member already, at {known}"));
            }
            Some(known) if known.incarnation != member.incarnation => self.replace(id, member).await?,
            _ if voters.contains(&id) => return Ok(()),
            Some(_) => {}
            None => {
                let same = |known: &Member| known.raft_address == member.raft_address;
                if let Some((other, _)) = nodes.iter().find(|(_, known)| same(known)) {
                    return impossible(format!("node {other} has that address already"));
                }
                self.check_history(id, &member).await?;
                self.add_learner(id, member).await?;
            }
        }
        self.begin_promoting(id);
        Ok(())
    }

    fn begin_promoting(&self, id: u64) {
        if !self.voters().contains(&id) && self.promoting().lock().insert(id) {
            let group = self.clone();
            self.spawn(async move {
                group.promote(id).await;
                group.promoting().lock().remove(&id);
            });
        }
    }

    async fn add_learner(&self, id: u64, member: Member) -> Result<(), ChangeRefused> {
        done(timeout(CHANGE_TIMEOUT, self.raft().add_learner(id, member, false)).await)
    }

    /// Takes a member in again that lost its data: the earlier incarnation leaves, the later one enters as a learner.
    async fn replace(&self, id: u64, member: Member) -> Result<(), ChangeRefused> {
        let silent = async {
            while self.answering().contains(&id) {
                tokio::time::sleep(LOOK_AGAIN).await;
            }
        };
        if timeout(SILENCE_PATIENCE, silent).await.is_err() {
            let reason =
                format!("node {id} answers from the directory that it has as a member: stop it first");
            return Err(ChangeRefused::Later(reason));
        }
        self.check_history(id, &member).await?;
        tracing::warn!(node = id, "a member comes back without its data, and is taken in anew as a learner");
        self.remove(id, false).await?;
        self.add_learner(id, member).await
    }

    /// Makes a learner a voter when it has what the leader has committed.
    async fn promote(&self, id: u64) {
        let caught_up = move |metrics: &openraft::RaftMetrics<TypeConfig>| {
            let committed = metrics.local_committed.as_ref().map(|id| id.index());
            metrics.replication.is_none() || matched(metrics, id) >= committed
        };
        let wait = self.raft().wait(Some(CATCH_UP_TIMEOUT));
        if wait.metrics(caught_up, "a learner has caught up").await.is_err() || !self.may_propose() {
            tracing::info!(node = id, "a learner did not catch up while this node led");
            return;
        }
        let _one_at_a_time = self.changing().lock().await;
        let mut voters = self.voters();
        voters.insert(id);
        if let Some(reason) = self.lacks_majority(&voters) {
            tracing::debug!(node = id, reason, "a learner is not made a voter yet");
            return;
        }
        let change = ChangeMembers::AddVoterIds(BTreeSet::from([id]));
        match done(timeout(CHANGE_TIMEOUT, self.raft().change_membership(change, false)).await) {
            Ok(()) => tracing::info!(node = id, "a learner has caught up and is a voter now"),
            Err(refused) => {
                tracing::warn!(node = id, ?refused, "a learner was not made a voter; it asks again")
            }
        }
    }

    async fn remove(&self, id: u64, force: bool) -> Result<(), ChangeRefused> {
        let mut voters = self.voters();
        if !self.member_nodes().contains_key(&id) {
            return Err(ChangeRefused::Impossible(format!("node {id} is no member")));
        }
        let votes = voters.remove(&id);
        if voters.is_empty() {
            return Err(ChangeRefused::Impossible("the last voter cannot be removed".to_string()));
        }
        if let Some(reason) = self.lacks_majority(&voters).filter(|_| votes && !force) {
            let reason = format!("the cluster would stop: {reason} (FORCE does it all the same)");
            return Err(ChangeRefused::Impossible(reason));
        }
        let ids = BTreeSet::from([id]);
        let change = match votes {
            true => ChangeMembers::RemoveVoters(ids),
            false => ChangeMembers::RemoveNodes(ids),
        };
        done(timeout(CHANGE_TIMEOUT, self.raft().change_membership(change, false)).await)?;
        // openraft publishes its metrics a moment after the fact, and the next change is judged by them.
        let gone = move |metrics: &openraft::RaftMetrics<TypeConfig>| {
            metrics.membership_config.membership().get_node(&id).is_none()
        };
        let _ = self.raft().wait(Some(CHANGE_TIMEOUT)).metrics(gone, "a node was removed").await;
        tracing::info!(node = id, "a node was removed from the cluster");
        Ok(())
    }

    /// Hands leadership over before this node stops, if it leads and there is somebody to take it.
    pub async fn leave_leadership(&self) {
        if self.is_alone() || !self.raft().is_leader() {
            return;
        }
        let _one_at_a_time = self.changing().lock().await;
        if let Err(refused) = self.hand_over(None).await {
            tracing::warn!(?refused, "leadership was not handed over; the others elect a leader");
        }
    }

    /// Takes no more writes until what is returned is dropped, and waits for those that were taken in. `None`: they did not
    /// end in time, or another has closed it.
    pub async fn close_to_writes(&self) -> Option<Closed<'_>> {
        let closed = self.proposer().close()?;
        self.drained().await.then_some(closed)
    }

    /// Returns when no write is under way; `false` if that took too long.
    async fn drained(&self) -> bool {
        let drained = async {
            while self.proposer().load() != (0, 0) {
                tokio::time::sleep(LOOK_AGAIN).await;
            }
        };
        timeout(DRAIN_TIMEOUT, drained).await.is_ok()
    }

    /// Hands leadership to `to`, or to the voter that has the most of the log.
    pub(crate) async fn hand_over(&self, to: Option<u64>) -> Result<(), ChangeRefused> {
        let impossible = |reason: &str| ChangeRefused::Impossible(reason.to_string());
        let to = match to {
            Some(to) if to == self.endpoint().node_id() => return Ok(()),
            Some(to) if !self.voters().contains(&to) => return Err(impossible("that node is no voter")),
            Some(to) if !self.answering().contains(&to) => {
                return Err(impossible("that node does not answer"));
            }
            Some(to) => to,
            None => self.furthest_voter().ok_or_else(|| impossible("there is no other voter"))?,
        };
        let _until_it_is_over = self.begin_handing_over();
        match self.drained().await {
            false => Err(impossible("writes that are under way did not end")),
            true => self.transfer(to).await,
        }
    }

    async fn transfer(&self, to: u64) -> Result<(), ChangeRefused> {
        let stopped = |error: openraft::errors::Fatal<TypeConfig>| ChangeRefused::Unknown(error.to_string());
        self.raft().trigger().transfer_leader(to).await.map_err(stopped)?;
        let taken_over = |metrics: &openraft::RaftMetrics<TypeConfig>| {
            metrics.current_leader.is_some_and(|leader| leader != metrics.id)
        };
        let waited =
            self.raft().wait(Some(TAKE_OVER_TIMEOUT)).metrics(taken_over, "another node leads").await;
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

    fn furthest_voter(&self) -> Option<u64> {
        let answering = self.answering();
        let metrics = self.raft().metrics();
        let metrics = metrics.borrow_watched();
        metrics
            .membership_config
            .voter_ids()
            .filter(|id| *id != metrics.id)
            .max_by_key(|id| (answering.contains(id), matched(&metrics, *id)))
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
        Err(_) => Err(ChangeRefused::Unknown("it was not committed in time".to_string())),
    }
}
