//! openraft's calls to other members.
//!
//! openraft requests a separate client for each purpose (entries, heartbeats, votes, snapshots).
//! Each has its own connection, so that a large append does not delay a heartbeat. On one
//! connection, a call is sent only after the reply to the previous one.

use std::sync::Arc;
use std::time::Duration;

use super::acknowledged::Acknowledgements;
use super::codec;
use super::time::GroupTime;
use super::types::{TypeConfig, Vote};
use crate::env::Background;
use crate::peer::{Append, AskVote, Endpoint, Exchange, Member, Request, Response, WireEntry};
use crate::storage::log::LogPosition;
use crate::storage::{SnapshotDir, SnapshotFile};
use openraft::errors::{RPCError, ReplicationClosed, StreamingError, Unreachable};
use openraft::network::RPCOption;
use openraft::raft::{
    AppendEntriesRequest, AppendEntriesResponse, SnapshotResponse, TransferLeaderRequest,
    TransferLeaderResponse, VoteRequest, VoteResponse,
};
use openraft::{RaftNetworkFactory, RaftNetworkV2};

/// Longer than an append of the maximum size takes on a slow disk. A connection that has been
/// silent for longer counts as cut.
const APPEND_TIMEOUT: Duration = Duration::from_secs(2);
/// Votes and hand-overs are small; the receiver syncs its disk once.
const CALL_TIMEOUT: Duration = Duration::from_millis(500);

/// Makes clients for other members.
#[derive(Clone)]
pub struct Network {
    pub endpoint: Arc<Endpoint>,
    /// What the members have acknowledged to this node.
    pub acknowledged: Arc<Acknowledgements>,
    pub time: Arc<GroupTime>,
    pub snapshots: SnapshotDir,
    pub background: Background,
}

/// A client for one member and one purpose.
pub struct NetworkClient {
    pub(super) exchange: Exchange,
    acknowledged: Arc<Acknowledgements>,
    time: Arc<GroupTime>,
    pub(super) snapshots: SnapshotDir,
    pub(super) background: Background,
}

impl RaftNetworkFactory<TypeConfig> for Network {
    type Network = NetworkClient;

    async fn new_client(&mut self, target: u64, member: &Member) -> NetworkClient {
        NetworkClient {
            exchange: Exchange::new(self.endpoint.clone(), target, member.clone()),
            acknowledged: self.acknowledged.clone(),
            time: self.time.clone(),
            snapshots: self.snapshots.clone(),
            background: self.background.clone(),
        }
    }
}

impl NetworkClient {
    async fn ask(&mut self, request: &Request, limit: Duration) -> Result<Response, RPCError<TypeConfig>> {
        self.exchange
            .call(request, limit)
            .await
            .map_err(|error| RPCError::Unreachable(Unreachable::new(&error)))
    }

    fn note_acknowledged(&self, term: u64, last: Option<LogPosition>) {
        if let Some(last) = last {
            self.acknowledged.note(self.exchange.id(), self.exchange.incarnation(), term, last);
        }
    }

    /// Called after a reply that the member has no entry at `previous`. If the member had
    /// acknowledged that entry, tells the member, which then gives up and returns as a new member,
    /// and returns an error. Consensus must not see such a reply, because it relies on
    /// acknowledgements.
    async fn check_not_lost(
        &mut self,
        term: u64,
        previous: Option<LogPosition>,
    ) -> Result<(), RPCError<TypeConfig>> {
        let (target, incarnation) = (self.exchange.id(), self.exchange.incarnation());
        let known = self.acknowledged.has_lost(target, incarnation);
        let missing = self.acknowledged.missing(target, incarnation, term, previous);
        let Some(acknowledged) = missing else { return Ok(()) };
        if !known {
            let acknowledged = acknowledged.last.0;
            tracing::error!(node = target, acknowledged, "a member lost entries that it had acknowledged");
        }
        self.ask(&Request::Lost(acknowledged), CALL_TIMEOUT).await?;
        let reason = format!("node {target} lost entries that it had acknowledged");
        Err(RPCError::Unreachable(Unreachable::from_string(reason)))
    }

    async fn ask_vote(&mut self, request: Request) -> Result<VoteResponse<TypeConfig>, RPCError<TypeConfig>> {
        match self.ask(&request, CALL_TIMEOUT).await? {
            Response::Vote { vote, granted, last, time_ms } => {
                // Adopted before the vote is counted: the winner's time must be no earlier than any
                // of its voters'.
                self.time.voter_said(time_ms);
                Ok(VoteResponse::new(codec::load_vote(vote), last.map(codec::log_id_at), granted))
            }
            other => Err(RPCError::Unreachable(unexpected(&other))),
        }
    }
}

/// The error for a reply that is valid, but is not one that the call may receive.
pub(super) fn unexpected(response: &Response) -> Unreachable<TypeConfig> {
    Unreachable::from_string(format!("unexpected reply: {response:?}"))
}

fn ask_vote(request: &VoteRequest<TypeConfig>) -> AskVote {
    AskVote {
        vote: codec::store_vote(&request.vote),
        last: request.last_log_id.as_ref().map(codec::pair),
        transfer: request.leadership_transfer,
    }
}

impl RaftNetworkV2<TypeConfig> for NetworkClient {
    type SnapshotData = SnapshotFile;

    async fn append_entries(
        &mut self,
        request: AppendEntriesRequest<TypeConfig>,
        _option: RPCOption,
    ) -> Result<AppendEntriesResponse<TypeConfig>, RPCError<TypeConfig>> {
        let entries = request.entries.iter().map(|entry| {
            let (index, term) = codec::pair(&entry.log_id);
            WireEntry { index, term, payload: codec::encode_payload(&entry.payload) }
        });
        let append = Append {
            vote: codec::store_vote(&request.vote),
            previous: request.prev_log_id.as_ref().map(codec::pair),
            entries: entries.collect(),
            commit: request.leader_commit.as_ref().map(codec::pair),
            time_ms: self.time.leading(),
        };
        let (term, previous) = (append.vote.term, append.previous);
        let last = append.entries.last().map(|entry| (entry.index, entry.term)).or(previous);
        match self.ask(&Request::Append(append), APPEND_TIMEOUT).await? {
            Response::Appended => {
                self.note_acknowledged(term, last);
                Ok(AppendEntriesResponse::Success)
            }
            Response::AppendedUpTo(partial) => {
                self.note_acknowledged(term, partial);
                Ok(AppendEntriesResponse::PartialSuccess(partial.map(codec::log_id_at)))
            }
            Response::Conflict => {
                self.check_not_lost(term, previous).await?;
                Ok(AppendEntriesResponse::Conflict)
            }
            Response::HigherVote(vote) => Ok(AppendEntriesResponse::HigherVote(codec::load_vote(vote))),
            other => Err(RPCError::Unreachable(unexpected(&other))),
        }
    }

    async fn vote(
        &mut self,
        request: VoteRequest<TypeConfig>,
        _option: RPCOption,
    ) -> Result<VoteResponse<TypeConfig>, RPCError<TypeConfig>> {
        self.ask_vote(Request::Vote(ask_vote(&request))).await
    }

    async fn pre_vote(
        &mut self,
        request: VoteRequest<TypeConfig>,
        _option: RPCOption,
    ) -> Result<VoteResponse<TypeConfig>, RPCError<TypeConfig>> {
        self.ask_vote(Request::PreVote(ask_vote(&request))).await
    }

    async fn full_snapshot(
        &mut self,
        vote: Vote,
        snapshot: openraft::alias::SnapshotOf<TypeConfig, SnapshotFile>,
        cancel: impl Future<Output = ReplicationClosed> + Send + 'static,
        _option: RPCOption,
    ) -> Result<SnapshotResponse<TypeConfig>, StreamingError<TypeConfig>> {
        tokio::select! {
            biased;
            closed = cancel => Err(StreamingError::Closed(closed)),
            sent = self.send_snapshot(&vote, &snapshot) => {
                sent.map(|vote| SnapshotResponse::new(codec::load_vote(vote)))
                    .map_err(|error| StreamingError::Unreachable(Unreachable::new(&error)))
            }
        }
    }

    async fn transfer_leader(
        &mut self,
        request: TransferLeaderRequest<TypeConfig>,
        _option: RPCOption,
    ) -> Result<TransferLeaderResponse<TypeConfig>, RPCError<TypeConfig>> {
        let request = Request::Transfer {
            from: codec::store_vote(request.from_leader()),
            to: *request.to_node_id(),
            last: request.last_log_id().map(codec::pair),
        };
        match self.ask(&request, CALL_TIMEOUT).await? {
            Response::Transferred(Ok(())) => Ok(Ok(())),
            Response::Transferred(Err(reason)) => {
                Err(RPCError::Unreachable(Unreachable::from_string(reason)))
            }
            other => Err(RPCError::Unreachable(unexpected(&other))),
        }
    }
}
