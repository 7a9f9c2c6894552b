//! Nodes that join and leave while the group runs, and the hand-over of leadership.
//!
//! A new node enters as a learner: it gets the log, or a snapshot and the log, and has no vote.
//! Once it has caught up it is made a voter through joint consensus (§6 of the paper), so that at
//! no moment two majorities decide apart.
//!
//! Invariants:
//! * one change at a time;
//! * the last voter stays;
//! * after a change the voters that answer are a majority, unless an operator forces it;
//! * a number changes its incarnation only by leaving and entering again, as a learner;
//! * a leader that hands over has answered everything that it proposed.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::{Instant, timeout};

use super::leader::{Leader, LeaderFinder};
use super::standings::Standings;
use super::tasks::Tasks;
use crate::peer::{CallError, Change, ChangeRefused, Member, Request, Response};
use crate::raft::{CHANGE_TIMEOUT, Consensus, Participation, TAKE_OVER_TIMEOUT};

/// How long the earlier incarnation of a node may go on answering before the later one is refused:
/// its last answer is to be forgotten, and no more.
const SILENCE_PATIENCE: Duration = Duration::from_secs(3);
const LOOK_AGAIN: Duration = Duration::from_millis(5);
/// How often a learner reminds the leader of itself.
const CLAIM_EVERY: Duration = Duration::from_secs(2);

pub struct Membership {
    leader: LeaderFinder,
    standings: Arc<Standings>,
    participation: Arc<Participation>,
    tasks: Arc<Tasks>,
    /// Only one change of the members, or hand-over, at a time.
    changing: tokio::sync::Mutex<()>,
    /// The learners that are about to become voters.
    promoting: Mutex<BTreeSet<u64>>,
}

impl Membership {
    pub fn new(
        leader: LeaderFinder,
        standings: Arc<Standings>,
        participation: Arc<Participation>,
        tasks: Arc<Tasks>,
    ) -> Membership {
        let (changing, promoting) = (tokio::sync::Mutex::new(()), Mutex::default());
        Membership { leader, standings, participation, tasks, changing, promoting }
    }

    fn consensus(&self) -> &Consensus {
        &self.leader.consensus
    }

    /// While this node is a learner it asks the leader for a vote: the one that was to give it may
    /// lead no more. For as long as it is polled.
    pub async fn claim_vote(self: Arc<Self>) {
        let (id, incarnation) = (self.leader.endpoint.node_id(), self.leader.endpoint.identity.incarnation);
        loop {
            tokio::time::sleep(CLAIM_EVERY).await;
            if !self.participation.is_member() || self.consensus().voters().contains(&id) {
                continue;
            }
            if let Err(refused) = self.change(Change::Claim { id, incarnation }).await {
                tracing::debug!(?refused, "this learner gets no vote yet");
            }
        }
    }

    /// Has the leader make a change, wherever it is.
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
                Leader::Nobody => Err(ChangeRefused::NotLeader),
            };
            if outcome != Err(ChangeRefused::NotLeader) {
                return outcome;
            }
            self.leader.look_again(patience).await.map_err(|_| ChangeRefused::NotLeader)?;
        }
    }

    /// Makes a change as the leader.
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
                _ => Err(ChangeRefused::Impossible(format!("node {id} is no member"))),
            },
            Change::Remove { id, force } => self.remove(id, force).await,
            Change::Transfer { to } => self.hand_over(to).await,
        }
    }

    /// Takes a node in as a learner; it becomes a voter by itself once it has caught up.
    async fn add(self: &Arc<Self>, id: u64, member: Member) -> Result<(), ChangeRefused> {
        let impossible = |reason: String| Err(ChangeRefused::Impossible(reason));
        let (nodes, voters) = (self.consensus().members(), self.consensus().voters());
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

    /// Takes a member in again that lost its data: the earlier incarnation leaves, the later one
    /// enters as a learner.
    async fn replace(&self, id: u64, member: Member) -> Result<(), ChangeRefused> {
        let silent = async {
            while self.consensus().answering().contains(&id) {
                tokio::time::sleep(LOOK_AGAIN).await;
            }
        };
        if timeout(SILENCE_PATIENCE, silent).await.is_err() {
            let reason =
                format!("node {id} answers from the directory that it has as a member: stop it first");
            return Err(ChangeRefused::Later(reason));
        }
        self.standings.check_history(id, &member).await?;
        tracing::warn!(node = id, "a member comes back without its data, and is taken in anew as a learner");
        self.remove(id, false).await?;
        self.consensus().add_learner(id, member).await
    }

    /// Makes a learner a voter when it has what the leader has committed.
    async fn promote(&self, id: u64) {
        if !self.consensus().until_caught_up(id).await || !self.leader.proposer.may_propose() {
            tracing::info!(node = id, "a learner did not catch up while this node led");
            return;
        }
        let _one_at_a_time = self.changing.lock().await;
        let mut voters = self.consensus().voters();
        voters.insert(id);
        if let Some(reason) = self.consensus().lacks_majority(&voters) {
            tracing::debug!(node = id, reason, "a learner is not made a voter yet");
            return;
        }
        match self.consensus().add_voter(id).await {
            Ok(()) => tracing::info!(node = id, "a learner has caught up and is a voter now"),
            Err(refused) => {
                tracing::warn!(node = id, ?refused, "a learner was not made a voter; it asks again")
            }
        }
    }

    async fn remove(&self, id: u64, force: bool) -> Result<(), ChangeRefused> {
        let mut voters = self.consensus().voters();
        if !self.consensus().members().contains_key(&id) {
            return Err(ChangeRefused::Impossible(format!("node {id} is no member")));
        }
        let votes = voters.remove(&id);
        if voters.is_empty() {
            return Err(ChangeRefused::Impossible("the last voter cannot be removed".to_string()));
        }
        if let Some(reason) = self.consensus().lacks_majority(&voters).filter(|_| votes && !force) {
            let reason = format!("the cluster would stop: {reason} (FORCE does it all the same)");
            return Err(ChangeRefused::Impossible(reason));
        }
        self.consensus().remove(id, votes).await?;
        tracing::info!(node = id, "a node was removed from the cluster");
        Ok(())
    }

    /// The members of the newest entry that changed them, committed or not.
    pub fn members(&self) -> BTreeMap<u64, Member> {
        self.consensus().members()
    }

    /// Hands leadership over before this node stops, if it leads and there is somebody to take it.
    pub async fn leave_leadership(&self) {
        if self.consensus().is_alone() || !self.consensus().is_leader() {
            return;
        }
        let _one_at_a_time = self.changing.lock().await;
        if let Err(refused) = self.hand_over(None).await {
            tracing::warn!(?refused, "leadership was not handed over; the others elect a leader");
        }
    }

    /// Hands leadership to `to`, or to the voter that has the most of the log.
    pub async fn hand_over(&self, to: Option<u64>) -> Result<(), ChangeRefused> {
        let impossible = |reason: &str| ChangeRefused::Impossible(reason.to_string());
        let to = match to {
            Some(to) if to == self.leader.endpoint.node_id() => return Ok(()),
            Some(to) if !self.consensus().voters().contains(&to) => {
                return Err(impossible("that node is no voter"));
            }
            Some(to) if !self.consensus().answering().contains(&to) => {
                return Err(impossible("that node does not answer"));
            }
            Some(to) => to,
            None => self.consensus().furthest_voter().ok_or_else(|| impossible("there is no other voter"))?,
        };
        let _until_it_is_over = self.leader.proposer.begin_handing_over();
        match self.leader.proposer.drained().await {
            false => Err(impossible("writes that are under way did not end")),
            true => self.consensus().transfer_to(to).await,
        }
    }
}
