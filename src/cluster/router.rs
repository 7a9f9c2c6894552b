//! Brings a client's write to the log, through the leader if that is another node, and delays a
//! client's read until this node's state is as recent as the read requires.
//!
//! Invariants:
//! * a write that may have reached a log is never retried: its outcome is either known, or reported
//!   as uncertain;
//! * a linearizable read sees every write that was acknowledged anywhere before the read arrived.
//!   The leader's time decides which keys have expired for such a read. This time is no earlier
//!   than that of any earlier read, and no later than the stamp of a write that the read does not
//!   see.

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

/// Added to `WRITE_TIMEOUT`, so that the leader's more precise error arrives before this node's own
/// timeout.
const LEADER_ERROR_SLACK: Duration = Duration::from_millis(500);
/// How long the reply to a write waits for this node to apply the write's entry and send the
/// invalidations to its caching clients. A follower usually applies an entry a moment after the
/// leader; on a timeout, all caches are invalidated.
const INVALIDATION_TIMEOUT: Duration = Duration::from_secs(1);
/// How long a read waits for this node to apply the entry at its read index.
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
    /// Proposes a batch of writes to the log. Returns the replies once the entry is on the disks of
    /// a majority and applied by the leader.
    ///
    /// # Errors
    /// Every error except [`Unavailable::Uncertain`] means that nothing was proposed.
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
                Leader::Unknown => {}
            }
            self.leader.look_again(patience).await?;
        }
    }

    async fn forward(&self, id: u64, member: &Member, batch: &Batch) -> Result<Done, ForwardError> {
        let (commands, bytes) = batch.to_wire();
        let request = Request::Propose { commands, bytes };
        let deadline = Instant::now() + WRITE_TIMEOUT + LEADER_ERROR_SLACK;
        match timeout_at(deadline, self.leader.call(id, member, &request)).await {
            Ok(Ok(Response::Replies(Ok(done)))) if done.replies.len() == batch.len() => Ok(done),
            Ok(Ok(Response::Replies(Err(refused)))) => Err(refused),
            Ok(Err(CallError::NotSent)) => Err(ForwardError::NotLeader),
            Ok(Ok(_) | Err(CallError::Lost)) | Err(_) => {
                Err(ForwardError::Unavailable(Unavailable::Uncertain))
            }
        }
    }

    /// Waits until this node has applied the entry at `index`; returns `false` on a timeout, or if
    /// this node's disk has no room.
    pub async fn has_applied(&self, index: u64) -> bool {
        tokio::select! {
            biased;
            () = self.applied.reached(Some(index)) => true,
            _ = self.disk_room.until_full() => false,
            () = tokio::time::sleep(INVALIDATION_TIMEOUT) => false,
        }
    }

    /// Waits until this node's state is as recent as `consistency` requires. Returns the time that
    /// decides for the read which keys have expired.
    ///
    /// # Errors
    /// The reason why this node cannot serve the read now. After [`Unavailable::DiskFull`], which
    /// means that this node has no room for entries that the read has to see, the leader can
    /// execute the read instead, as a transaction.
    pub async fn read_barrier(&self, consistency: ReadConsistency) -> Result<u64, Unavailable> {
        self.participation.check_open()?;
        if consistency == ReadConsistency::Local {
            // A node without data must not serve its empty keyspace as an older state of the
            // cluster.
            return if self.participation.is_waiting() {
                Err(Unavailable::Loading)
            } else {
                Ok(self.time.now_ms())
            };
        }
        // While this node is the only voter, it has applied every acknowledged write, and no other
        // node can have acknowledged one.
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
