//! Where a write or a read of a client is done: here if this node leads, else by the leader, whose answer is passed on.
//!
//! Invariants:
//! * a write that may have reached a log is never tried again: its outcome is told, or it is uncertain;
//! * a linearizable read sees every write that was acknowledged anywhere before the read came, and judges deadlines by
//!   a time of the leader that is not before any that an earlier one was judged by, nor after a write that it misses.

use std::time::Duration;

use openraft::async_runtime::Instant as _;
use openraft::async_runtime::watch::WatchReceiver;
use openraft::errors::{LinearizableReadError, RaftError};
use openraft::raft::ReadPolicy;
use tokio::time::{Instant, timeout_at};

use super::group::{ELECTION_TIMEOUT_MS_MAX, ELECTION_TIMEOUT_MS_MIN, Group};
use crate::command::ReadConsistency;
use crate::error::Unavailable;
use crate::machine::Batch;
use crate::peer::Member;
use crate::peer::{CallError, Done, ForwardError, ReadPoint, Request, Response};
use crate::raft::proposer::Answered;
use crate::storage::NoSpace;

/// How long a request waits for a leader: followers wait for the old one's lease and then for their own timeout, each up
/// to `ELECTION_TIMEOUT_MS_MAX`, and the first elections may be draws.
const LEADER_PATIENCE: Duration = Duration::from_millis(5 * ELECTION_TIMEOUT_MS_MAX);
/// How long a write may take once it is under way: longer than a majority that is alive needs, on a slow disk too.
const WRITE_TIMEOUT: Duration = Duration::from_secs(5);
/// How much longer a follower waits for what becomes of a write: the leader knows more of it when it gives it up.
const LEADER_ANSWERS: Duration = Duration::from_millis(500);
/// How long the answer to a write waits for its own node to have told those who cache of it: that is a moment behind the
/// leader, and if it is not, all that is cached is forgotten.
const TELL_TIMEOUT: Duration = Duration::from_secs(1);
/// How long a read waits for this node to have applied what it has to see.
const CATCH_UP_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a leader's word counts without a question. A follower refuses another leader for `ELECTION_TIMEOUT_MS_MAX`
/// after it heard from it; one that starts anew has forgotten that, and waits for [`super::rpc_service::VOTE_HOLDOFF`] before it
/// votes and for `ELECTION_TIMEOUT_MS_MIN` before it stands. The rest is room for clocks of different speeds.
const LEASE: Duration = Duration::from_millis(ELECTION_TIMEOUT_MS_MIN * 8 / 10);
/// A request that found no leader looks again when something changes, or after this.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

const _: () = assert!(LEASE.as_millis() < super::rpc_service::VOTE_HOLDOFF.as_millis());
const _: () = assert!(LEASE.as_millis() < ELECTION_TIMEOUT_MS_MIN as u128);

/// Who does what this node's clients ask.
pub enum Leader {
    Here,
    There(u64, Member),
    /// Nobody that is known.
    Nobody,
}

impl Group {
    pub(crate) fn leader(&self) -> Leader {
        let may_propose = self.may_propose();
        let metrics = self.raft().metrics();
        // Nothing that looks at the metrics may be called while they are borrowed: a second reader behind a writer
        // that waits for the first would wait for ever.
        let metrics = metrics.borrow_watched();
        match metrics.current_leader {
            Some(id) if id == metrics.id && may_propose => Leader::Here,
            Some(id) if id == metrics.id => Leader::Nobody,
            Some(id) => match metrics.membership_config.membership().get_node(&id) {
                Some(member) => Leader::There(id, member.clone()),
                None => Leader::Nobody,
            },
            None => Leader::Nobody,
        }
    }

    /// Puts a batch of writes into the log; their replies once it is on disk on a majority and applied by the leader.
    ///
    /// # Errors
    /// Everything but [`Unavailable::Uncertain`] was decided before anything was proposed.
    pub async fn propose(&self, batch: Batch) -> Answered {
        self.check_open()?;
        let patience = Instant::now() + LEADER_PATIENCE;
        let mut batch = batch;
        loop {
            match self.leader() {
                Leader::Here => match self.propose_here(batch).await {
                    Ok(done) => return Ok(done),
                    Err((ForwardError::Unavailable(unavailable), _)) => return Err(unavailable),
                    Err((ForwardError::NotLeader, back)) => batch = back,
                },
                Leader::There(id, member) => match self.forward(id, &member, &batch).await {
                    Ok(done) => return Ok(done),
                    Err(ForwardError::Unavailable(unavailable)) => return Err(unavailable),
                    Err(ForwardError::NotLeader) => {}
                },
                Leader::Nobody => {}
            }
            self.look_again(patience).await?;
        }
    }

    /// Proposes a batch to the log of this node. A batch that surely was not proposed comes back.
    pub(crate) async fn propose_here(&self, batch: Batch) -> Result<Done, (ForwardError, Batch)> {
        let full = |full: NoSpace| {
            let stopping = self.log().failure().map(|_| Unavailable::ShuttingDown);
            (ForwardError::Unavailable(stopping.unwrap_or_else(|| full.into())), Batch::new())
        };
        let room = self.log().reserve(batch.entry_bytes()).map_err(full)?;
        let replies = self.proposer().propose(batch, Instant::now() + WRITE_TIMEOUT).await;
        drop(room);
        replies
    }

    async fn forward(&self, id: u64, member: &Member, batch: &Batch) -> Result<Done, ForwardError> {
        let (commands, bytes) = batch.to_wire();
        let request = Request::Propose { commands, bytes };
        let deadline = Instant::now() + WRITE_TIMEOUT + LEADER_ANSWERS;
        match timeout_at(deadline, self.clients().call(id, member, &request)).await {
            Ok(Ok(Response::Replies(Ok(done)))) if done.replies.len() == batch.len() => Ok(done),
            Ok(Ok(Response::Replies(Err(refused)))) => Err(refused),
            Ok(Err(CallError::NotSent)) => Err(ForwardError::NotLeader),
            Ok(Ok(_) | Err(CallError::Lost)) | Err(_) => {
                Err(ForwardError::Unavailable(Unavailable::Uncertain))
            }
        }
    }

    /// Waits until this node has applied the entry at `index`; `false` if that takes too long, or it has no room for it.
    pub async fn has_applied(&self, index: u64) -> bool {
        tokio::select! {
            biased;
            () = self.applied().reached(Some(index)) => true,
            _ = self.disk_room().until_full() => false,
            () = tokio::time::sleep(TELL_TIMEOUT) => false,
        }
    }

    /// Returns when a read of this node's keyspace is as fresh as asked: the time by which it judges deadlines.
    ///
    /// # Errors
    /// [`Unavailable::DiskFull`] when this node has no room for what the read has to see: the leader can do it, as a
    /// transaction.
    pub async fn read_barrier(&self, consistency: ReadConsistency) -> Result<u64, Unavailable> {
        self.check_open()?;
        if consistency == ReadConsistency::Local {
            // Nothing here is no old state of the cluster: this node has none.
            return if self.is_waiting() { Err(Unavailable::Loading) } else { Ok(self.now_ms()) };
        }
        // A group of one: every acknowledged write was applied here before it was answered, and nobody else can
        // have acknowledged one.
        match self.leads_alone() {
            Some(true) => return Ok(self.proposer().read_time()),
            Some(false) => return Err(Unavailable::NoLeader),
            None => {}
        }
        let point = self.batcher(consistency).next().await.unwrap_or(Err(Unavailable::NoLeader))?;
        tokio::select! {
            biased;
            () = self.applied().reached(Some(point.index)) => Ok(point.time_ms),
            () = self.endpoint().until_removed() => Err(Unavailable::Removed),
            full = self.disk_room().until_full() => Err(full.into()),
            () = tokio::time::sleep(CATCH_UP_TIMEOUT) => Err(Unavailable::Loading),
        }
    }

    /// What a read has to see, from whoever leads.
    pub(crate) async fn ask_read_point(&self, lease: bool) -> Result<ReadPoint, Unavailable> {
        let patience = Instant::now() + LEADER_PATIENCE;
        loop {
            let answer = match self.leader() {
                Leader::Here => match timeout_at(patience, self.confirm(lease)).await {
                    Ok(answer) => answer,
                    Err(_) => Err(ForwardError::Unavailable(Unavailable::NoQuorum)),
                },
                Leader::There(id, member) => {
                    let request = Request::ReadPoint { lease };
                    match timeout_at(patience, self.clients().call(id, &member, &request)).await {
                        Ok(Ok(Response::ReadPoint(answer))) => answer,
                        // A question may be asked again.
                        Ok(_) | Err(_) => Err(ForwardError::NotLeader),
                    }
                }
                Leader::Nobody => Err(ForwardError::NotLeader),
            };
            match answer {
                Ok(point) => return Ok(point),
                Err(ForwardError::Unavailable(unavailable)) => return Err(unavailable),
                Err(ForwardError::NotLeader) => self.look_again(patience).await?,
            }
        }
    }

    /// Makes sure that this node leads, and gives what a read which came before has to see.
    pub(crate) async fn confirm(&self, lease: bool) -> Result<ReadPoint, ForwardError> {
        // Consensus does not answer while it waits for the disk.
        let confirmed = tokio::time::timeout(LEADER_PATIENCE, self.confirm_by_then(lease)).await;
        confirmed.unwrap_or(Err(ForwardError::Unavailable(Unavailable::NoQuorum)))
    }

    async fn confirm_by_then(&self, lease: bool) -> Result<ReadPoint, ForwardError> {
        if !self.may_propose() {
            return Err(ForwardError::NotLeader);
        }
        // Before the question: a majority that answers it, or has its lease running, knows of no earlier time.
        let time_ms = self.proposer().read_time();
        if lease
            && let Ok(index) = self.confirm_once(ReadPolicy::LeaseRead).await
            // Index and time were the newest when they were read only if the lease holds still.
            && self.holds_lease()
        {
            return Ok(ReadPoint { index, time_ms });
        }
        let index = self.confirm_once(ReadPolicy::ReadIndex).await?;
        Ok(ReadPoint { index, time_ms })
    }

    async fn confirm_once(&self, policy: ReadPolicy) -> Result<u64, ForwardError> {
        if !self.may_propose() {
            return Err(ForwardError::NotLeader);
        }
        match self.raft().get_read_log_id(policy).await {
            Ok((read, _applied)) => Ok(read.index()),
            Err(RaftError::APIError(LinearizableReadError::ForwardToLeader(_))) => {
                Err(ForwardError::NotLeader)
            }
            Err(RaftError::APIError(LinearizableReadError::QuorumNotEnough(_))) => {
                Err(ForwardError::Unavailable(Unavailable::NoQuorum))
            }
            Err(RaftError::Fatal(_)) => Err(ForwardError::Unavailable(Unavailable::NoLeader)),
        }
    }

    /// Whether a majority was heard from so lately that none of it can have elected another leader.
    fn holds_lease(&self) -> bool {
        let leader = self.raft().as_leader();
        let acked = leader.ok().and_then(|leader| leader.last_quorum_acked());
        acked.is_some_and(|acked| acked.elapsed() < LEASE) && self.may_propose()
    }

    /// Waits until there may be another leader; an error once `patience` has passed.
    pub(crate) async fn look_again(&self, patience: Instant) -> Result<(), Unavailable> {
        if self.endpoint().is_removed() {
            return Err(Unavailable::Removed);
        }
        if Instant::now() >= patience {
            return Err(Unavailable::NoLeader);
        }
        tokio::time::sleep(LOOK_AGAIN).await;
        Ok(())
    }
}
