//! openraft's calls to another member.
//!
//! openraft asks for a client for each purpose (entries, heartbeats, votes, snapshots), and each has a connection of
//! its own: a large append holds up no heartbeat. On one connection a call follows the answer to the last.
//!
//! Invariant: a connection on which a call did not end is not used again, so an answer never meets another call.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use openraft::errors::{RPCError, ReplicationClosed, StreamingError, Unreachable};
use openraft::network::RPCOption;
use openraft::raft::{
    AppendEntriesRequest, AppendEntriesResponse, SnapshotResponse, TransferLeaderRequest,
    TransferLeaderResponse, VoteRequest, VoteResponse,
};
use openraft::{RaftNetworkFactory, RaftNetworkV2};
use tokio::time::timeout;

use crate::env::{Background, Connection};
use crate::peer::Member;
use crate::peer::frame;
use crate::peer::{Append, AskVote, LogPosition, Request, Response, WireEntry};
use crate::peer::{Endpoint, Target};
use crate::raft::codec;
use crate::raft::time::GroupTime;
use crate::raft::types::{TypeConfig, Vote};
use crate::storage::{SnapshotDir, SnapshotFile};

/// An append of the largest size on a slow disk takes less; a connection that is silent for longer was cut.
const APPEND_TIMEOUT: Duration = Duration::from_secs(2);
/// Votes and hand-overs are small; the other side syncs its disk once.
const CALL_TIMEOUT: Duration = Duration::from_millis(500);

/// Makes clients for other members.
#[derive(Clone)]
pub struct Network {
    pub endpoint: Arc<Endpoint>,
    pub time: Arc<GroupTime>,
    pub snapshots: SnapshotDir,
    pub background: Background,
}

/// A client for one member and one purpose.
pub struct NetworkClient {
    pub(crate) endpoint: Arc<Endpoint>,
    time: Arc<GroupTime>,
    pub(crate) snapshots: SnapshotDir,
    pub(crate) background: Background,
    target: u64,
    member: Member,
    connection: Option<Box<dyn Connection>>,
    number: u64,
}

impl RaftNetworkFactory<TypeConfig> for Network {
    type Network = NetworkClient;

    async fn new_client(&mut self, target: u64, member: &Member) -> NetworkClient {
        NetworkClient {
            endpoint: self.endpoint.clone(),
            time: self.time.clone(),
            snapshots: self.snapshots.clone(),
            background: self.background.clone(),
            target,
            member: member.clone(),
            connection: None,
            number: 0,
        }
    }
}

impl NetworkClient {
    /// Sends a request and waits for its answer, connecting first where need be.
    pub(crate) async fn call(&mut self, request: &Request, limit: Duration) -> io::Result<Response> {
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => self.endpoint.connect(Target::member(self.target, &self.member)).await?,
        };
        self.number += 1;
        let number = self.number;
        let exchange = async {
            frame::write(&mut connection, number, request).await?;
            frame::read::<Response>(&mut connection).await
        };
        let (answered, response) =
            timeout(limit, exchange).await.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??;
        if answered != number {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "an answer to another request"));
        }
        self.connection = Some(connection);
        match response {
            Response::Failed(reason) => Err(io::Error::other(reason)),
            response => Ok(response),
        }
    }

    async fn ask(&mut self, request: &Request, limit: Duration) -> Result<Response, RPCError<TypeConfig>> {
        self.call(request, limit).await.map_err(|error| RPCError::Unreachable(Unreachable::new(&error)))
    }

    fn note_acknowledged(&self, term: u64, last: Option<LogPosition>) {
        if let Some(last) = last {
            self.endpoint.acknowledged.note(self.target, self.member.incarnation, term, last);
        }
    }

    /// After an answer that the other side has no entry at `previous`: an error if it had acknowledged that one. Consensus
    /// does not hear of it, as it counts on what was acknowledged; the member hears that it has to come back as a new one.
    async fn check_not_lost(
        &mut self,
        term: u64,
        previous: Option<LogPosition>,
    ) -> Result<(), RPCError<TypeConfig>> {
        let (target, incarnation) = (self.target, self.member.incarnation);
        let known = self.endpoint.acknowledged.has_lost(target, incarnation);
        let missing = self.endpoint.acknowledged.missing(target, incarnation, term, previous);
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
                // Before the vote counts: who wins begins with what its voters know.
                self.time.voter_said(time_ms);
                Ok(VoteResponse::new(codec::load_vote(vote), last.map(codec::log_id_at), granted))
            }
            other => Err(RPCError::Unreachable(unexpected(&other))),
        }
    }
}

/// The other side keeps the protocol's version and breaks its rules.
pub(crate) fn unexpected(response: &Response) -> Unreachable<TypeConfig> {
    Unreachable::from_string(format!("an answer of the wrong kind: {response:?}"))
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
            Response::AppendedUpTo(place) => {
                self.note_acknowledged(term, place);
                Ok(AppendEntriesResponse::PartialSuccess(place.map(codec::log_id_at)))
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
