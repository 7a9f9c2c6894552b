//! Answers other nodes: Raft's calls, and the requests that the nodes forward for their clients.
//!
//! Invariants:
//! * a forwarded write, read-index request or change is served only while this node leads, and only
//!   for members, except a node's request to be added itself; it is never forwarded again;
//! * a forwarded batch is proposed only if this node can decode all its commands;
//! * a vote request and a claim of leadership are accepted only from the node that they name.
//!
//! A leader or a candidate need not be a member that this node knows: a node with an old log may
//! know no present member, and only the leader's appends and snapshots bring it up to date. The
//! port must therefore not be reachable for hostile processes (`docs/configuration.md`).

use std::collections::BTreeMap;
use std::sync::Arc;

use super::membership::Membership;
use super::pubsub_relay::PubSubSink;
use super::read_index::ReadIndex;
use super::standings::Standings;
use crate::error::Unavailable;
use crate::machine::Batch;
use crate::peer::{
    Caller, Change, ChangeRefused, Done, Endpoint, FRAME_BYTES_MAX, ForwardError, Handler, LogThrottle,
    Member, MemberLogThrottle, Request, Response,
};
use crate::raft::{Participation, Proposer, RaftReceiver};
use crate::resp::Reply;

/// Maximum total size of the replies to a forwarded batch: the size of a frame, less the space for
/// its header.
pub(super) const REPLIES_BYTES_MAX: usize = FRAME_BYTES_MAX - (1 << 20);
/// Size of a reply's encoding in a message apart from its text: the kind and the length.
const REPLY_HEAD_BYTES: usize = 16;

/// Clones serve the same node.
#[derive(Clone)]
pub struct RpcService {
    pub receiver: Arc<RaftReceiver>,
    pub participation: Arc<Participation>,
    pub proposer: Proposer,
    pub read_index: Arc<ReadIndex>,
    pub membership: Arc<Membership>,
    pub standings: Arc<Standings>,
    pub endpoint: Arc<Endpoint>,
    /// Receives the messages that clients publish on other nodes.
    pub sink: Arc<dyn PubSubSink>,
    pub throttles: Arc<ServiceThrottles>,
}

/// Limit how often each kind of failed request from another node is logged.
#[derive(Default)]
pub struct ServiceThrottles {
    malformed: MemberLogThrottle,
    strangers: LogThrottle,
}

impl Handler for RpcService {
    fn knows(&self, from: Caller) -> bool {
        self.standings.knows(from)
    }

    async fn answer(&self, from: Caller, request: Request) -> Response {
        if let Some(refusal) = self.refusal(from, &request) {
            if let Some(since) = self.throttles.strangers.admit() {
                tracing::warn!(node = from.id, ?refusal, since, "refused a request from a node");
            }
            return refusal;
        }
        let answered = match request {
            Request::Append(append) => self.receiver.append(append, self.knows(from)).await,
            Request::Vote(ask) => self.receiver.vote(ask, false).await,
            Request::PreVote(ask) => self.receiver.vote(ask, true).await,
            Request::Transfer { from, to, last } => self.receiver.transfer(from, to, last).await,
            Request::SnapshotOffer(offer) => self.receiver.snapshot_offer(offer).await,
            Request::SnapshotChunk { offset, bytes } => self.receiver.snapshot_chunk(offset, bytes).await,
            Request::SnapshotEnd { vote } => self.receiver.install(vote).await,
            Request::Propose { commands, bytes } => {
                Ok(Response::Replies(self.accept(from, commands, &bytes).await))
            }
            Request::ReadPoint { lease } => Ok(Response::ReadPoint(self.read_index.confirm(lease).await)),
            Request::PubSub(messages) => {
                messages.into_iter().for_each(|message| self.sink.received(message));
                Ok(Response::Received)
            }
            Request::Change(change) => Ok(Response::Changed(self.membership.change_here(change).await)),
            Request::Standing => Ok(Response::Standing(self.standings.own(from))),
            Request::Lost(acknowledged) => {
                self.participation.check_kept(acknowledged);
                Ok(Response::Received)
            }
        };
        answered.unwrap_or_else(Response::Failed)
    }
}

/// The error for a request that a removed node forwards. The node receives no more entries, so this
/// error may be its only way to learn of its removal.
const REMOVED: ForwardError = ForwardError::Unavailable(Unavailable::Removed);

impl RpcService {
    /// Whether this node leads a cluster that no longer includes `from`. A node that is being added
    /// is in the newest membership, and a node that is being removed is still in the applied one,
    /// so both are checked.
    fn is_gone(&self, from: Caller) -> bool {
        let is_among = |members: &BTreeMap<u64, Member>| {
            members.get(&from.id).is_some_and(|member| member.incarnation == from.incarnation)
        };
        self.proposer.may_propose()
            && !is_among(&self.endpoint.members().1)
            && !is_among(&self.membership.members())
    }

    /// The refusal of a request that this node does not serve to `from`; `None` if it serves it. A
    /// refusal guarantees that nothing was done.
    fn refusal(&self, from: Caller, request: &Request) -> Option<Response> {
        let vote = match request {
            // Served to any node: every node sends it first, and a node that lost its data sends it
            // before it is readmitted.
            Request::Standing => return None,
            Request::Change(Change::Add { id, member })
                if (*id, member.incarnation) == (from.id, from.incarnation) =>
            {
                return None;
            }
            Request::SnapshotOffer(_) | Request::SnapshotChunk { .. } | Request::Lost(_) => return None,
            Request::Append(append) => append.vote,
            Request::Vote(ask) | Request::PreVote(ask) => ask.vote,
            Request::Transfer { from: vote, .. } | Request::SnapshotEnd { vote } => *vote,
            Request::Propose { .. } | Request::ReadPoint { .. } | Request::PubSub(_) | Request::Change(_) => {
                return (!self.knows(from)).then(|| {
                    let error = if self.is_gone(from) { REMOVED } else { ForwardError::NotLeader };
                    refused(request, error)
                });
            }
        };
        let reason = || Response::Failed("the vote in the request is not the sender's own".to_string());
        (vote.node_id != from.id).then(reason)
    }

    /// Proposes a batch that another node forwarded.
    async fn accept(&self, from: Caller, commands: u32, bytes: &[u8]) -> Result<Done, ForwardError> {
        let batch = Batch::from_wire(commands, bytes).map_err(|malformed| {
            if let Some(since) = self.throttles.malformed.admit(from.id) {
                tracing::warn!(node = from.id, %malformed, since, "cannot decode a batch that another node forwarded");
            }
            ForwardError::Unavailable(Unavailable::Unreadable)
        })?;
        match self.proposer.may_propose() {
            true => match self.proposer.write(batch).await {
                Ok(done) => Ok(Done { replies: within(done.replies, REPLIES_BYTES_MAX), ..done }),
                Err((refused, _)) => Err(refused),
            },
            false => Err(ForwardError::NotLeader),
        }
    }
}

/// The refusal of a request that only members may send. The leader knows every member, so a member
/// is refused only by a node that does not lead: the error for a change is therefore
/// [`ChangeRefused::NotLeader`].
fn refused(request: &Request, error: ForwardError) -> Response {
    match request {
        Request::Propose { .. } => Response::Replies(Err(error)),
        Request::ReadPoint { .. } => Response::ReadPoint(Err(error)),
        Request::Change(_) => Response::Changed(Err(ChangeRefused::NotLeader)),
        _ => Response::Failed("this request is served only for members".to_string()),
    }
}

/// Replaces replies that do not fit into a message by an uncertain outcome. Replies can be much
/// larger than the requests: a batch of GETDEL returns documents that many earlier requests wrote.
fn within(mut replies: Vec<Reply>, bytes_max: usize) -> Vec<Reply> {
    let mut left = bytes_max.saturating_sub(replies.len() * REPLY_HEAD_BYTES);
    for reply in &mut replies {
        match left.checked_sub(text_bytes(reply)) {
            Some(rest) => left = rest,
            None => *reply = Reply::Unavailable(Unavailable::Uncertain),
        }
    }
    replies
}

/// An upper bound on the size of a reply in a message, without its kind and length.
fn text_bytes(reply: &Reply) -> usize {
    let parts = |parts: &[Reply]| parts.iter().map(|part| REPLY_HEAD_BYTES + text_bytes(part)).sum();
    match reply {
        Reply::Simple(text) => text.len(),
        Reply::Error(error) => error.line().len(),
        Reply::Unavailable(unavailable) => match unavailable {
            Unavailable::DiskFull(reason) => reason.len(),
            _ => 0,
        },
        Reply::Bulk(bytes) | Reply::Verbatim(bytes) => bytes.len(),
        Reply::Integer(_) | Reply::Double(_) | Reply::Boolean(_) | Reply::Null | Reply::NullArray => 0,
        Reply::Array(items) | Reply::Set(items) | Reply::Push(items) | Reply::Several(items) => parts(items),
        Reply::Map(pairs) => {
            pairs.iter().map(|(key, value)| 2 * REPLY_HEAD_BYTES + text_bytes(key) + text_bytes(value)).sum()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replies_that_outgrow_a_message_are_uncertain_and_the_others_stay() {
        let text = |bytes: usize| Reply::bulk(vec![b'x'; bytes]);
        let nested =
            |bytes: usize| Reply::Array(vec![Reply::Map(vec![(text(1), text(bytes))]), Reply::NullArray]);
        let bytes_max = 4000;
        let replies =
            vec![text(1500), nested(1500), text(1500), Reply::OK, nested(1500), Reply::Integer(i64::MIN)];
        let kept = within(replies.clone(), bytes_max);
        let uncertain = Reply::Unavailable(Unavailable::Uncertain);
        assert_eq!(kept[..2], replies[..2]);
        assert_eq!(kept[2..5], [uncertain.clone(), Reply::OK, uncertain]);
        assert_eq!(kept[5], replies[5]);
        assert!(postcard::to_stdvec(&kept).unwrap().len() <= bytes_max);
        let small = vec![Reply::Error(crate::error::CommandError::SYNTAX); 3];
        assert_eq!(within(small.clone(), REPLIES_BYTES_MAX), small);
    }
}
