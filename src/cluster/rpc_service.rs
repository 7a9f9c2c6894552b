//! What this node answers to others: Raft's own calls, and what clients gave to another node.
//!
//! Invariant: what clients gave to another node is done here only while this node leads; it is
//! never passed on again.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::membership::Membership;
use super::pubsub_relay::PubSubSink;
use super::read_index::ReadIndex;
use super::standings::Standings;
use crate::error::Unavailable;
use crate::machine::Batch;
use crate::peer::{Asker, Done, Endpoint, FRAME_BYTES_MAX, ForwardError, Handler, Member, Request, Response};
use crate::raft::{Participation, Proposer, RaftReceiver};
use crate::resp::Reply;

/// What the replies to a forwarded batch take together at most: what a message has room for, and
/// some for itself.
pub(super) const REPLIES_BYTES_MAX: usize = FRAME_BYTES_MAX - (1 << 20);
/// What a reply takes beside its text: its kind and its length.
const REPLY_HEAD_BYTES: usize = 16;

/// A clone answers the same.
#[derive(Clone)]
pub struct RpcService {
    pub receiver: Arc<RaftReceiver>,
    pub participation: Arc<Participation>,
    pub proposer: Proposer,
    pub read_index: Arc<ReadIndex>,
    pub membership: Arc<Membership>,
    pub standings: Arc<Standings>,
    pub endpoint: Arc<Endpoint>,
    /// Takes in what clients of other nodes send to those of this one.
    pub sink: Arc<dyn PubSubSink>,
}

impl Handler for RpcService {
    async fn answer(&self, from: Asker, request: Request) -> Response {
        let answered = match request {
            Request::Append(append) => self.receiver.append(append).await,
            Request::Vote(ask) => self.receiver.vote(ask, false).await,
            Request::PreVote(ask) => self.receiver.vote(ask, true).await,
            Request::Transfer { from, to, last } => self.receiver.transfer(from, to, last).await,
            Request::SnapshotOffer(offer) => self.receiver.snapshot_offer(offer).await,
            Request::SnapshotChunk { offset, bytes } => self.receiver.snapshot_chunk(offset, bytes).await,
            Request::SnapshotEnd { vote } => self.receiver.install(vote).await,
            Request::Propose { commands, bytes } => Ok(Response::Replies(match self.is_gone(from) {
                true => Err(REMOVED),
                false => self.accept(commands, &bytes).await,
            })),
            Request::ReadPoint { lease } => Ok(Response::ReadPoint(match self.is_gone(from) {
                true => Err(REMOVED),
                false => self.read_index.confirm(lease).await,
            })),
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

/// The answer to a node that asks for its clients and was removed: it gets no more entries, so it
/// may never apply that it was.
const REMOVED: ForwardError = ForwardError::Unavailable(Unavailable::Removed);

impl RpcService {
    /// Whether this node leads a cluster without the one that asks. One that is being added is
    /// among the members of the newest entry, and one that is being removed among those that were
    /// applied.
    fn is_gone(&self, from: Asker) -> bool {
        let is_among = |members: &BTreeMap<u64, Member>| {
            members.get(&from.id).is_some_and(|member| member.incarnation == from.incarnation)
        };
        self.proposer.may_propose()
            && !is_among(&self.endpoint.members().1)
            && !is_among(&self.membership.members())
    }

    /// Proposes what a client gave to another node.
    async fn accept(&self, commands: u32, bytes: &[u8]) -> Result<Done, ForwardError> {
        let batch = Batch::from_wire(commands, bytes).map_err(|malformed| {
            tracing::warn!(%malformed, "another node forwards what this one cannot read");
            ForwardError::Unavailable(Unavailable::ShuttingDown)
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

/// The replies, so that a message holds them: in the place of one for which there is no room stands
/// that its outcome is not told. What a batch of GETDEL brings to light was put there over a long
/// time, so no limit of requests bounds it.
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

/// At least what a reply takes in a message beside its head.
fn text_bytes(reply: &Reply) -> usize {
    let parts = |parts: &[Reply]| parts.iter().map(|part| REPLY_HEAD_BYTES + text_bytes(part)).sum();
    match reply {
        Reply::Simple(text) => text.len(),
        Reply::Error(answer) => answer.line().len(),
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
