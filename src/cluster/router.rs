//! Where a write or a read of a client is done: here if this node leads, else by the leader, whose
//! answer is passed on.
//!
//! Invariants:
//! * a write that may have reached a log is never tried again: its outcome is told, or it is
//!   uncertain;
//! * a linearizable read sees every write that was acknowledged anywhere before the read came, and
//!   judges deadlines by a time of the leader that is not before any that an earlier one was judged
//!   by, nor after a write that it misses.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use super::leader::{LEADER_PATIENCE, Leader, LeaderFinder};
use super::read_index::ReadIndex;
use crate::command::ReadConsistency;
use crate::error::Unavailable;
use crate::machine::Batch;
use crate::peer::{CallError, Done, ForwardError, Member, Request, Response};
use crate::raft::{AppliedIndex, DiskRoom, GroupTime, Participation, WRITE_TIMEOUT};

/// How much longer a follower waits for what becomes of a write: the leader knows more of it when
/// it gives it up.
const LEADER_ANSWERS: Duration = Duration::from_millis(500);
/// How long the answer to a write waits for its own node to have told those who cache of it: that
/// is a moment behind the leader, and if it is not, all that is cached is forgotten.
const TELL_TIMEOUT: Duration = Duration::from_secs(1);
/// How long a read waits for this node to have applied what it has to see.
const CATCH_UP_TIMEOUT: Duration = Duration::from_secs(5);

pub struct Router {
    pub leader: LeaderFinder,
    pub read_index: Arc<ReadIndex>,
    pub participation: Arc<Participation>,
    pub applied: AppliedIndex,
    pub disk_room: Arc<DiskRoom>,
    pub time: Arc<GroupTime>,
}

impl Router {
    /// Puts a batch of writes into the log; their replies once it is on disk on a majority and
    /// applied by the leader.
    ///
    /// # Errors
    /// Everything but [`Unavailable::Uncertain`] was decided before anything was proposed.
    pub async fn propose(&self, batch: Batch) -> Result<Done, Unavailable> {
        self.participation.check_open()?;
        let patience = Instant::now() + LEADER_PATIENCE;
        let mut batch = batch;
        loop {
            match self.leader.leader() {
                Leader::Here => match self.leader.proposer.write(batch).await {
                    Ok(done) => return Ok(done),
                    Err((ForwardError::Unavailable(unavailable), _)) => return Err(unavailable),
                    Err((ForwardError::NotLeader, back)) => batch = back,
                },
                Leader::There(id, member) => match self.forward(id, &member, &batch).await {
                    Ok(done) => return Ok(done),
                    Err(ForwardError::Unavailable(unavailable)) => {
                        return Err(self.leader.told(unavailable));
                    }
                    Err(ForwardError::NotLeader) => {}
                },
                Leader::Nobody => {}
            }
            self.leader.look_again(patience).await?;
        }
    }

    async fn forward(&self, id: u64, member: &Member, batch: &Batch) -> Result<Done, ForwardError> {
        let (commands, bytes) = batch.to_wire();
        let request = Request::Propose { commands, bytes };
        let deadline = Instant::now() + WRITE_TIMEOUT + LEADER_ANSWERS;
        match timeout_at(deadline, self.leader.call(id, member, &request)).await {
            Ok(Ok(Response::Replies(Ok(done)))) if done.replies.len() == batch.len() => Ok(done),
            Ok(Ok(Response::Replies(Err(refused)))) => Err(refused),
            Ok(Err(CallError::NotSent)) => Err(ForwardError::NotLeader),
            Ok(Ok(_) | Err(CallError::Lost)) | Err(_) => {
                Err(ForwardError::Unavailable(Unavailable::Uncertain))
            }
        }
    }

    /// Waits until this node has applied the entry at `index`; `false` if that takes too long, or
    /// it has no room for it.
    pub async fn has_applied(&self, index: u64) -> bool {
        tokio::select! {
            biased;
            () = self.applied.reached(Some(index)) => true,
            _ = self.disk_room.until_full() => false,
            () = tokio::time::sleep(TELL_TIMEOUT) => false,
        }
    }

    /// Returns when a read of this node's keyspace is as fresh as asked: the time by which it
    /// judges deadlines.
    ///
    /// # Errors
    /// [`Unavailable::DiskFull`] when this node has no room for what the read has to see: the
    /// leader can do it, as a transaction.
    pub async fn read_barrier(&self, consistency: ReadConsistency) -> Result<u64, Unavailable> {
        self.participation.check_open()?;
        if consistency == ReadConsistency::Local {
            // Nothing here is no old state of the cluster: this node has none.
            return if self.participation.is_waiting() {
                Err(Unavailable::Loading)
            } else {
                Ok(self.time.now_ms())
            };
        }
        // A group of one: every acknowledged write was applied here before it was answered, and
        // nobody else can have acknowledged one.
        match self.leader.consensus.leads_alone() {
            Some(true) => return Ok(self.leader.proposer.read_time()),
            Some(false) => return Err(Unavailable::NoLeader),
            None => {}
        }
        let point = self.read_index.point(consistency).await?;
        tokio::select! {
            biased;
            () = self.applied.reached(Some(point.index)) => Ok(point.time_ms),
            () = self.leader.endpoint.until_removed() => Err(Unavailable::Removed),
            full = self.disk_room.until_full() => Err(full.into()),
            () = tokio::time::sleep(CATCH_UP_TIMEOUT) => Err(Unavailable::Loading),
        }
    }
}
