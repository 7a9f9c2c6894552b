//! The types that openraft works with.

use std::fmt;

use bytes::Bytes;
use openraft::raft::responder::Responder;

use crate::peer::Member;
use crate::resp::Reply;

/// A marker type that selects the types for openraft; it holds no data.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct TypeConfig;

type LeaderId = openraft::impls::leader_id_std::LeaderId<u64, u64>;
type CommittedLeaderId = <LeaderId as openraft::vote::RaftLeaderId>::Committed;

impl openraft::RaftTypeConfig for TypeConfig {
    type D = Payload;
    type R = Replies;
    type NodeId = u64;
    type Node = Member;
    type Term = u64;
    type LeaderId = LeaderId;
    type Vote = openraft::impls::Vote<LeaderId>;
    type Payload = openraft::EntryPayload<Payload, u64, Member>;
    type Entry = openraft::Entry<CommittedLeaderId, Self::Payload>;
    type AsyncRuntime = super::runtime::Runtime;
    type Responder<T>
        = Callback<T>
    where
        T: Send + 'static;
    type Batch<T>
        = openraft::impls::InlineBatch<T>
    where
        T: Send + 'static;
    type ErrorSource = openraft::impls::BoxedErrorSource;
}

pub type LogId = openraft::alias::LogIdOf<TypeConfig>;
pub type Vote = openraft::alias::VoteOf<TypeConfig>;
pub type Entry = openraft::alias::EntryOf<TypeConfig>;
pub type Membership = openraft::Membership<u64, Member>;
pub type StoredMembership = openraft::alias::StoredMembershipOf<TypeConfig>;
pub type SnapshotMeta = openraft::alias::SnapshotMetaOf<TypeConfig>;

/// The payload of an entry: an encoded batch of commands. Clones share the bytes.
#[derive(Clone, PartialEq, Eq)]
pub struct Payload(pub Bytes);

impl fmt::Debug for Payload {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} bytes", self.0.len())
    }
}

impl fmt::Display for Payload {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} bytes", self.0.len())
    }
}

/// The result of applying an entry: a reply for each of its commands.
#[derive(Debug, Default)]
pub struct Replies(pub Vec<Reply>);

/// A function to call with the result. When consensus stops, the callback is dropped without a
/// call, so the values that the function captured have to release their waiters on drop.
pub struct Callback<T>(Box<dyn FnOnce(T) + Send>);

impl<T> Callback<T> {
    pub fn new(call: impl FnOnce(T) + Send + 'static) -> Callback<T> {
        Callback(Box::new(call))
    }
}

impl<T: Send + 'static> Responder<TypeConfig, T> for Callback<T> {
    fn on_complete(self, result: T) {
        (self.0)(result);
    }
}
