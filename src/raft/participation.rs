//! Decides how far this node takes part: whether it votes, acknowledges entries and serves clients.
//!
//! A node that starts without entries or votes that it had acknowledged must not vote as if it had
//! promised nothing. A node that has voted before therefore grants no vote for a moment after its
//! start, and a node that may have lost its data waits until the other members have reported what
//! it had acknowledged ([`Participation::check_kept`]).
//!
//! Invariants:
//! * a node that was found to have lost what it acknowledged neither votes nor acknowledges again;
//! * a node that has voted before grants no vote for [`VOTE_HOLDOFF`] after its start, because it
//!   has forgotten what it promised to a leader; a hand-over by that leader is the exception;
//! * a node that waits for the other members' reports votes only in the first election of a new
//!   cluster.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;
use tokio::sync::watch;
use tokio::time::Instant;

use super::consensus::Consensus;
use super::timing::VOTE_HOLDOFF;
use crate::error::{Fatal, Unavailable};
use crate::peer::{Acknowledged, AskVote, Endpoint};

/// How far a node that found its log empty has come.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Phase {
    /// The node takes part in its group.
    #[default]
    Done,
    /// The node waits for these members to answer, or to form the cluster with it.
    Waiting(Vec<u64>),
    /// The node's data is lost, and it asks the leader to add it as a new member.
    Rejoining,
}

pub struct Participation {
    consensus: Consensus,
    endpoint: Arc<Endpoint>,
    lost: watch::Sender<bool>,
    loaded: AtomicBool,
    /// The end of the time in which this node grants no vote; `None` if it grants votes from its
    /// start.
    holdoff_until: Option<Instant>,
    /// Whether the other members still have to report which entries this node had acknowledged to
    /// them.
    recalling: AtomicBool,
    phase: Mutex<Phase>,
}

impl Participation {
    /// `voted`: whether this node has voted before this start, and may therefore have promised a
    /// leader to grant no other candidate a vote for a while.
    pub(super) fn new(consensus: Consensus, endpoint: Arc<Endpoint>, voted: bool) -> Participation {
        Participation {
            consensus,
            endpoint,
            lost: watch::channel(false).0,
            loaded: AtomicBool::new(false),
            holdoff_until: voted.then(|| Instant::now() + VOTE_HOLDOFF),
            recalling: AtomicBool::new(false),
            phase: Mutex::default(),
        }
    }

    /// Whether this node lost entries that it had acknowledged, and must take no further part.
    pub fn has_lost(&self) -> bool {
        *self.lost.borrow()
    }

    /// Records that this node no longer has entries that it acknowledged, and ends its
    /// participation.
    fn give_up(&self, reason: &str) {
        self.consensus.enable_elections(false);
        if !self.lost.send_replace(true) {
            tracing::error!(
                node = self.endpoint.node_id(),
                reason,
                "this node lost entries that it had acknowledged: its data directory is an older copy, or was damaged; \
                 it no longer votes"
            );
        }
    }

    /// Gives up for a node whose log is empty although its directory is not new: the former content
    /// of the log is lost.
    pub fn give_up_empty_log(&self) {
        self.give_up("the log of this node is lost");
    }

    /// Returns once this node is known to have lost entries that it had acknowledged.
    pub async fn until_lost(&self) {
        // `self` holds the sender, so the channel does not end.
        let _ = self.lost.subscribe().wait_for(|lost| *lost).await;
    }

    /// Compares the log with what this node acknowledged to a leader, and gives up if entries are
    /// missing. A node that has since been in a later term is not judged: that term's leader may
    /// have truncated its log.
    pub fn check_kept(&self, acknowledged: Acknowledged) {
        let term = self.consensus.term();
        let last = self.consensus.last();
        // As Raft compares logs (§5.4.1): the term first.
        let order = |(index, term): (u64, u64)| (term, index);
        let kept = last.map(order) >= Some(order(acknowledged.last));
        if term <= acknowledged.leader_term && !kept {
            let (acknowledged, last) = (acknowledged.last.0, last.map_or(-1, |(index, _)| index as i64));
            self.give_up(&format!("this node acknowledged entry {acknowledged}, but its log ends at {last}"));
        }
    }

    /// Whether the other members still have to report which entries this node had acknowledged.
    pub fn is_recalling(&self) -> bool {
        self.recalling.load(Ordering::Acquire)
    }

    pub fn set_recalling(&self, recalling: bool) {
        self.recalling.store(recalling, Ordering::Release);
    }

    pub fn phase(&self) -> Phase {
        self.phase.lock().clone()
    }

    pub fn set_phase(&self, phase: Phase) {
        *self.phase.lock() = phase;
    }

    /// Whether this node found its log empty and does not take part yet.
    pub fn is_waiting(&self) -> bool {
        *self.phase.lock() != Phase::Done
    }

    /// Whether the members that this node knows include this incarnation of it.
    pub fn is_member(&self) -> bool {
        let (id, incarnation) = (self.endpoint.node_id(), self.endpoint.identity.incarnation);
        self.consensus.member(id).is_some_and(|member| member.incarnation == incarnation)
    }

    /// Whether a leader's entries may be acknowledged.
    ///
    /// # Errors
    /// The reason for a refusal.
    pub(super) fn check_append(&self) -> Result<(), String> {
        if self.has_lost() {
            return Err("this node lost entries that it had acknowledged".to_string());
        }
        if self.is_recalling() && self.consensus.log.last().is_none() {
            return Err("this node does not know yet whether it lost its log".to_string());
        }
        Ok(())
    }

    /// Whether a candidate may get this node's vote; `before` is true for a pre-vote. A request for
    /// a vote in the first election of a new cluster ends the wait for the other members' reports.
    ///
    /// # Errors
    /// The reason for a refusal.
    pub(super) fn check_vote(&self, ask: &AskVote, before: bool) -> Result<(), String> {
        if self.has_lost() {
            return Err("this node lost entries that it had acknowledged, so it grants no vote".to_string());
        }
        // In the first election of a new cluster, each candidate's log has only the entry with
        // index 0 that formed the cluster.
        let first = self.consensus.log.last().is_none() && ask.last.is_some_and(|(index, _)| index == 0);
        if self.is_recalling() && !first {
            return Err("this node does not know yet which entries it had acknowledged".to_string());
        }
        if first && !before {
            self.set_recalling(false);
        }
        // A hand-over is the old leader's own request, so the promise not to vote against that
        // leader does not apply.
        let holds_off = self.holdoff_until.is_some_and(|until| Instant::now() < until);
        if holds_off && !ask.transfer {
            return Err("this node has just started and grants no vote yet".to_string());
        }
        Ok(())
    }

    /// Whether the log that was on disk at the start has been applied.
    pub fn is_loaded(&self) -> bool {
        self.loaded.load(Ordering::Acquire)
    }

    /// Waits until [`Participation::is_loaded`], or until consensus has stopped.
    pub async fn wait_until_loaded(&self) -> Result<(), Fatal> {
        self.consensus.until_log_is_applied().await?;
        self.loaded.store(true, Ordering::Release);
        Ok(())
    }

    /// Whether this node serves requests at all.
    pub fn check_open(&self) -> Result<(), Unavailable> {
        if self.endpoint.is_removed() {
            return Err(Unavailable::Removed);
        }
        // A single node has no other to ask for what it has not applied yet, so it refuses. In a
        // cluster of several nodes, the node asks the leader and waits.
        if !self.is_loaded() && self.consensus.is_alone() {
            return Err(Unavailable::Loading);
        }
        Ok(())
    }
}
