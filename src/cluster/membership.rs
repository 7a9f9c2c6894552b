//! Adds and removes members while the cluster runs, and hands leadership over.
//!
//! A new node joins as a learner: it receives the log, or a snapshot and the log, and has no vote.
//! Once it has caught up, joint consensus (§6 of the paper) makes it a voter, so that there are
//! never two disjoint majorities.
//!
//! Invariants:
//! * one change at a time;
//! * the last voter cannot be removed;
//! * the voters change only if a majority of the new voters answers, unless an operator forces a
//!   removal;
//! * a node's number gets a new incarnation only after the old one was removed, and the new one
//!   joins as a learner;
//! * a leader completes every write that it has proposed before it hands leadership over.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::{Instant, timeout};

use super::leader::{Leader, LeaderFinder};
use super::standings::Standings;
use super::tasks::Tasks;
use super::upgrade::Upgrade;
use crate::peer::{CallError, Change, ChangeRefused, Member, Request, Response};
use crate::raft::{CHANGE_TIMEOUT, Consensus, Participation, TAKE_OVER_TIMEOUT};

/// How long the leader waits for a replaced incarnation to stop counting as answering, before it
/// refuses the new one. This is longer than the time for which its last answer counts.
const SILENCE_PATIENCE: Duration = Duration::from_secs(3);
const POLL_INTERVAL: Duration = Duration::from_millis(5);
/// Interval at which a learner asks the leader to make it a voter.
const CLAIM_INTERVAL: Duration = Duration::from_secs(2);

pub struct Membership {
    leader: LeaderFinder,
    standings: Arc<Standings>,
    participation: Arc<Participation>,
    upgrade: Arc<Upgrade>,
    tasks: Arc<Tasks>,
    /// Held during a change of the members or a hand-over: only one may run at a time.
    changing: tokio::sync::Mutex<()>,
    /// The learners that are being made voters.
    promoting: Mutex<BTreeSet<u64>>,
}

impl Membership {
    pub fn new(
        leader: LeaderFinder,
        standings: Arc<Standings>,
        participation: Arc<Participation>,
        upgrade: Arc<Upgrade>,
        tasks: Arc<Tasks>,
    ) -> Membership {
        let (changing, promoting) = (tokio::sync::Mutex::new(()), Mutex::default());
        Membership { leader, standings, participation, upgrade, tasks, changing, promoting }
    }

    fn consensus(&self) -> &Consensus {
        &self.leader.consensus
    }

    /// While this node is a learner, asks the leader at intervals to make it a voter, because a
    /// leader that had begun to do so may no longer lead. Runs for as long as it is polled.
    pub async fn claim_vote(self: Arc<Self>) {
        let (id, incarnation) = (self.leader.endpoint.node_id(), self.leader.endpoint.identity.incarnation);
        loop {
            tokio::time::sleep(CLAIM_INTERVAL).await;
            if !self.participation.is_member() || self.consensus().voters().contains(&id) {
                continue;
            }
            if let Err(refused) = self.change(Change::Claim { id, incarnation }).await {
                tracing::debug!(?refused, "the leader does not make this learner a voter yet");
            }
        }
    }

    /// Makes a change through the leader, which may be this node.
    pub async fn change(self: &Arc<Self>, change: Change) -> Result<(), ChangeRefused> {
        let patience = Instant::now() + TAKE_OVER_TIMEOUT;
        loop {
            let outcome = match self.leader.leader() {
                Leader::Here => self.change_here(change.clone()).await,
                Leader::There(id, member) => {
                    let request = Request::Change(change.clone());
                    match timeout(2 * CHANGE_TIMEOUT, self.leader.call(id, &member, &request)).await {
                        Ok(Ok(Response::Changed(outcome))) => outcome,
                        Ok(Err(CallError::NotSent)) => Err(ChangeRefused::NotLeader),
                        Ok(_) | Err(_) => {
                            Err(ChangeRefused::Unknown("the leader did not answer".to_string()))
                        }
                    }
                }
                Leader::Unknown => Err(ChangeRefused::NotLeader),
            };
            if outcome != Err(ChangeRefused::NotLeader) {
                return outcome;
            }
            self.leader.look_again(patience).await.map_err(|_| ChangeRefused::NotLeader)?;
        }
    }

    /// Raises the cluster version through the leader.
    pub async fn finalize(self: &Arc<Self>) -> Result<(), ChangeRefused> {
        self.upgrade.check_leader().await?;
        self.change(Change::Finalize).await
    }

    /// Makes a change; only on the leader.
    pub async fn change_here(self: &Arc<Self>, change: Change) -> Result<(), ChangeRefused> {
        if !self.leader.proposer.may_propose() {
            return Err(ChangeRefused::NotLeader);
        }
        let busy = || ChangeRefused::Later("another change of the cluster is under way".to_string());
        let _one_at_a_time = self.changing.try_lock().map_err(|_| busy())?;
        match change {
            Change::Add { id, member } => self.add(id, member).await,
            Change::Claim { id, incarnation } => match self.consensus().members().get(&id) {
                Some(known) if known.incarnation == incarnation => {
                    self.begin_promoting(id);
                    Ok(())
                }
                _ => Err(ChangeRefused::Impossible(format!("node {id} is not a member"))),
            },
            Change::Remove { id, force } => self.remove(id, force).await,
            Change::Transfer { to } => self.hand_over(to).await,
            Change::Finalize => self.upgrade.finalize_here().await,
        }
    }

    /// Adds a node as a learner, or readmits a member with a new incarnation; the node becomes a
    /// voter once it has caught up.
    async fn add(self: &Arc<Self>, id: u64, member: Member) -> Result<(), ChangeRefused> {
        let impossible = |reason: String| Err(ChangeRefused::Impossible(reason));
        self.upgrade.check_new_member(id, &member).await?;
        let (nodes, voters) = (self.consensus().members(), self.consensus().voters());
        match nodes.get(&id) {
            Some(known) if !known.has_addresses_of(&member) => {
                return impossible(format!("node {id} is a member already, with the addresses {known}"));
            }
            Some(known) if known.incarnation != member.incarnation => self.replace(id, member).await?,
            _ if voters.contains(&id) => return Ok(()),
            Some(_) => {}
            None => {
                let same = |known: &Member| known.raft_address == member.raft_address;
                if let Some((other, _)) = nodes.iter().find(|(_, known)| same(known)) {
                    return impossible(format!("node {other} has this address already"));
                }
                self.standings.check_history(id, &member).await?;
                self.consensus().add_learner(id, member).await?;
            }
        }
        self.begin_promoting(id);
        Ok(())
    }

    fn begin_promoting(self: &Arc<Self>, id: u64) {
        if !self.consensus().voters().contains(&id) && self.promoting.lock().insert(id) {
            let membership = self.clone();
            self.tasks.spawn(async move {
                membership.promote(id).await;
                membership.promoting.lock().remove(&id);
            });
        }
    }

    /// Readmits a member that lost its data: removes its earlier incarnation and adds the later one
    /// as a learner. Checks two conditions first: the earlier incarnation must be silent, and the
    /// later one must answer at the member's address, because silence alone may mean that the
    /// earlier one is slow.
    async fn replace(&self, id: u64, member: Member) -> Result<(), ChangeRefused> {
        let silent = async {
            while self.consensus().answering().contains(&id) {
                tokio::time::sleep(POLL_INTERVAL).await;
            }
        };
        if timeout(SILENCE_PATIENCE, silent).await.is_err() {
            let reason = format!("node {id} still answers from its earlier directory: stop it first");
            return Err(ChangeRefused::Later(reason));
        }
        self.standings.check_successor(id, &member).await?;
        tracing::warn!(node = id, "a member returned without its data, and is readmitted as a learner");
        self.remove(id, false).await?;
        self.consensus().add_learner(id, member).await
    }

    /// Makes a learner a voter once it has every entry that the leader has committed.
    async fn promote(&self, id: u64) {
        if !self.consensus().until_caught_up(id).await || !self.leader.proposer.may_propose() {
            tracing::info!(node = id, "a learner did not catch up while this node led");
            return;
        }
        let _one_at_a_time = self.changing.lock().await;
        let mut voters = self.consensus().voters();
        voters.insert(id);
        if let Some(reason) = self.consensus().lacks_majority(&voters) {
            tracing::debug!(node = id, reason, "a learner is not made a voter yet: too few voters answer");
            return;
        }
        match self.consensus().add_voter(id).await {
            Ok(()) => tracing::info!(node = id, "a learner has caught up and is now a voter"),
            Err(refused) => {
                tracing::warn!(node = id, ?refused, "a learner was not made a voter; it will ask again")
            }
        }
    }

    async fn remove(&self, id: u64, force: bool) -> Result<(), ChangeRefused> {
        let mut voters = self.consensus().voters();
        if !self.consensus().members().contains_key(&id) {
            return Err(ChangeRefused::Impossible(format!("node {id} is not a member")));
        }
        let votes = voters.remove(&id);
        if voters.is_empty() {
            return Err(ChangeRefused::Impossible("the last voter cannot be removed".to_string()));
        }
        if let Some(reason) = self.consensus().lacks_majority(&voters).filter(|_| votes && !force) {
            let reason =
                format!("the cluster would lose its majority: {reason} (FORCE removes the node anyway)");
            return Err(ChangeRefused::Impossible(reason));
        }
        self.consensus().remove(id, votes).await?;
        tracing::info!(node = id, "a node was removed from the cluster");
        Ok(())
    }

    /// The members that the newest membership entry lists, committed or not.
    pub fn members(&self) -> BTreeMap<u64, Member> {
        self.consensus().members()
    }

    /// Hands leadership to another voter before this node stops, if it leads and another voter can
    /// take over.
    pub async fn leave_leadership(&self) {
        if self.consensus().is_alone() || !self.consensus().is_leader() {
            return;
        }
        let _one_at_a_time = self.changing.lock().await;
        if let Err(refused) = self.hand_over(None).await {
            tracing::warn!(?refused, "could not hand leadership over; the other members elect a leader");
        }
    }

    /// Hands leadership to `to` or, for `None`, to the voter with the longest log.
    pub async fn hand_over(&self, to: Option<u64>) -> Result<(), ChangeRefused> {
        let impossible = |reason: &str| ChangeRefused::Impossible(reason.to_string());
        let to = match to {
            Some(to) if to == self.leader.endpoint.node_id() => return Ok(()),
            Some(to) if !self.consensus().voters().contains(&to) => {
                return Err(impossible("that node is not a voter"));
            }
            Some(to) if !self.consensus().answering().contains(&to) => {
                return Err(impossible("that node does not answer"));
            }
            Some(to) => to,
            None => self
                .consensus()
                .furthest_voter()
                .ok_or_else(|| impossible("there is no other voter to take over"))?,
        };
        let _until_it_is_over = self.leader.proposer.begin_handing_over();
        match self.leader.proposer.drained().await {
            false => Err(impossible("the writes under way did not end in time")),
            true => self.consensus().transfer_to(to).await,
        }
    }
}
