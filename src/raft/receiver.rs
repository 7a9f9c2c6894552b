//! Serves the Raft calls of other members: entries, votes, hand-overs and snapshots.
//!
//! Invariants:
//! * consensus receives no append and no request for a vote that [`Participation`] forbids, and no
//!   entries for which the disk has no room;
//! * entries that contradict the applied ones are refused, and so are entries whose commands do not
//!   decode, if their sender is not a member that this node knows.

use std::io;
use std::sync::Arc;

use openraft::EntryPayload;
use openraft::raft::{
    AppendEntriesRequest, AppendEntriesResponse, TransferLeaderRequest, VoteRequest, VoteResponse,
};
use parking_lot::Mutex;

use super::codec;
use super::consensus::Consensus;
use super::disk_room::DiskRoom;
use super::leader_contact::LeaderContact;
use super::participation::Participation;
use super::snapshot_transfer::IncomingSnapshot;
use super::state_machine::AppliedIndex;
use super::time::GroupTime;
use super::types::{Entry, TypeConfig};
use crate::env::Background;
use crate::machine::Batch;
use crate::peer::{Append, AskVote, Offer, Response, StoredVote, WireEntry};
use crate::storage::SnapshotDir;
use crate::storage::log::LogPosition;

/// Serves the calls for one replica.
pub struct RaftReceiver {
    pub(super) consensus: Consensus,
    pub(super) participation: Arc<Participation>,
    pub(super) time: Arc<GroupTime>,
    pub(super) applied: AppliedIndex,
    pub(super) disk_room: Arc<DiskRoom>,
    pub(super) snapshots: SnapshotDir,
    /// The snapshot that is being received, if any. It outlives its connection, so that a broken
    /// transfer can resume.
    pub(super) incoming: Arc<Mutex<IncomingSnapshot>>,
    pub(super) leader_contact: Arc<LeaderContact>,
    pub(super) background: Background,
}

impl RaftReceiver {
    /// Passes a leader's entries to consensus. `known`: whether this node knows the sender as a
    /// member. The commands of an unknown sender are decoded first, because an entry that cannot be
    /// applied would stop this node for good.
    pub async fn append(&self, append: Append, known: bool) -> Result<Response, String> {
        if append.vote.term >= self.consensus.term() {
            self.leader_contact.heard();
        }
        self.participation.check_append()?;
        let is_deposed = self.is_deposed(append.vote);
        if !is_deposed {
            self.check_applied(&append)?;
        }
        let log = &self.consensus.log;
        let payloads = append.entries.iter().map(|entry| entry.payload.len());
        let room = match append.entries.is_empty() {
            true => None,
            false => Some(self.disk_room.take(log, payloads).map_err(|full| full.to_string())?),
        };
        let entries = append
            .entries
            .into_iter()
            .map(|entry| codec::decode_entry(entry.index, entry.term, entry.payload))
            .collect::<Result<Vec<_>, _>>()
            .map_err(|unreadable| unreadable.to_string())?;
        if !known {
            check_commands(&entries)?;
        }
        // Recorded before the append counts towards the leader's majority: a later leader, elected
        // by that majority, has to know this time. The time of a deposed leader does not count: it
        // may have been sent long ago, and this node may lead by now.
        if !is_deposed {
            self.time.heard(append.vote.term, append.time_ms);
        }
        let request = AppendEntriesRequest::<TypeConfig> {
            vote: codec::load_vote(append.vote),
            prev_log_id: append.previous.map(codec::log_id_at),
            entries,
            leader_commit: append.commit.map(codec::log_id_at),
        };
        let response =
            self.consensus.raft.append_entries(request).await.map_err(|error| error.to_string())?;
        drop(room);
        Ok(match response {
            AppendEntriesResponse::Success => Response::Appended,
            AppendEntriesResponse::PartialSuccess(id) => Response::AppendedUpTo(id.as_ref().map(codec::pair)),
            AppendEntriesResponse::Conflict => Response::Conflict,
            AppendEntriesResponse::HigherVote(vote) => Response::HigherVote(codec::store_vote(&vote)),
        })
    }

    /// Whether the sender of an append has been deposed. Entries that it sent before it learned of
    /// that may contradict newer applied ones without any fault; consensus refuses them because of
    /// the old vote.
    fn is_deposed(&self, vote: StoredVote) -> bool {
        let last = self.consensus.last().map_or(0, |(_, term)| term);
        // A newer term may be in the log before the metrics show it.
        vote.term < self.consensus.term().max(last)
    }

    /// Refuses entries that contradict the ones that this node has applied: a legitimate leader has
    /// the same entries.
    fn check_applied(&self, append: &Append) -> Result<(), String> {
        let applied = self.applied.get();
        let contradicts = |entry: &&WireEntry| {
            Some(entry.index) <= applied
                && self.consensus.log.term_of(entry.index).is_some_and(|term| term != entry.term)
        };
        let Some(entry) = append.entries.iter().find(contradicts) else { return Ok(()) };
        tracing::error!(
            index = entry.index,
            term = entry.term,
            "refusing a leader's entry that contradicts one that this node has applied"
        );
        Err(format!("entry {} contradicts one that this node has applied", entry.index))
    }

    /// Answers a candidate's request for a vote, or for a pre-vote if `before` is true.
    pub async fn vote(&self, ask: AskVote, before: bool) -> Result<Response, String> {
        self.participation.check_vote(&ask, before)?;
        let mut request =
            VoteRequest::<TypeConfig>::new(codec::load_vote(ask.vote), ask.last.map(codec::log_id_at));
        request.leadership_transfer = ask.transfer;
        let response: VoteResponse<TypeConfig> = match before {
            true => self.consensus.raft.pre_vote(request).await,
            false => self.consensus.raft.vote(request).await,
        }
        .map_err(|error| error.to_string())?;
        Ok(Response::Vote {
            vote: codec::store_vote(&response.vote),
            granted: response.vote_granted,
            last: response.last_log_id.as_ref().map(codec::pair),
            time_ms: self.time.time_for_candidate(),
        })
    }

    /// Serves a leader's request that `to` take over the leadership.
    pub async fn transfer(
        &self,
        from: StoredVote,
        to: u64,
        last: Option<LogPosition>,
    ) -> Result<Response, String> {
        let request = TransferLeaderRequest::new(codec::load_vote(from), to, last.map(codec::log_id_at));
        match self.consensus.raft.handle_transfer_leader(request).await {
            Ok(outcome) => Ok(Response::Transferred(outcome.map_err(|error| error.to_string()))),
            Err(fatal) => Err(fatal.to_string()),
        }
    }

    pub async fn snapshot_offer(&self, offer: Offer) -> Result<Response, String> {
        let snapshots = self.snapshots.clone();
        self.incoming(move |incoming| incoming.offered(&snapshots, offer)).await
    }

    pub async fn snapshot_chunk(&self, offset: u64, bytes: bytes::Bytes) -> Result<Response, String> {
        self.incoming(move |incoming| incoming.chunk(offset, &bytes)).await
    }

    /// Runs `work` on the snapshot that is being received, on a background thread: the disk must
    /// not delay other tasks.
    async fn incoming(
        &self,
        work: impl FnOnce(&mut IncomingSnapshot) -> io::Result<u64> + Send + 'static,
    ) -> Result<Response, String> {
        let incoming = self.incoming.clone();
        let work = move || work(&mut incoming.lock());
        let offset = self.background.run(work).await.map_err(|error| error.to_string())?;
        offset.map(Response::SnapshotAt).map_err(|error| error.to_string())
    }

    /// Checks the received snapshot and installs it.
    pub async fn install(&self, vote: StoredVote) -> Result<Response, String> {
        let incoming = self.incoming.clone();
        let check = move || incoming.lock().finish();
        let snapshot = self.background.run(check).await.map_err(|error| error.to_string())?;
        let snapshot = snapshot.map_err(|error| error.to_string())?;
        let position = snapshot.meta.last_log_id;
        let installed = self.consensus.raft.install_full_snapshot(codec::load_vote(vote), snapshot).await;
        let response = installed.map_err(|error| error.to_string())?;
        tracing::info!(index = position.map(|id| id.index()), "installed a snapshot of the leader");
        Ok(Response::SnapshotInstalled(codec::store_vote(&response.vote)))
    }
}

fn check_commands(entries: &[Entry]) -> Result<(), String> {
    entries.iter().try_for_each(|entry| match &entry.payload {
        EntryPayload::Normal(batch) => {
            Batch::check_entry(&batch.0).map_err(|malformed| malformed.to_string())
        }
        EntryPayload::Blank | EntryPayload::Membership(_) => Ok(()),
    })
}
