//! The messages between nodes. They have types of our own, encoded with postcard, because an alpha
//! version of openraft may change its types.
//!
//! A connection begins with a [`Hello`] and its [`Welcome`]; then one side sends [`Request`]s, and
//! the other a [`Response`] to each.
//!
//! postcard identifies the variants of an enum and the fields of a struct by their positions. New
//! variants are therefore added at the end, and sent only to nodes that know them; a struct is not
//! changed.

use std::collections::BTreeMap;
use std::fmt;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::error::Unavailable;
use crate::resp::Reply;
use crate::storage::log::LogPosition;
use crate::version::{self, Versions};

/// The number of the first cluster version in [`Hello::version`]. Nodes of the first release refuse
/// every other number.
const FIRST_NUMBER: u32 = 4;

/// The versions of a node. They follow its [`Hello`] or [`Welcome`] in the same frame, where nodes
/// of the first release do not look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Terms {
    pub supported: Versions,
    /// The newest cluster version that the node has applied; `None` if it is in no cluster yet.
    pub cluster: Option<u32>,
}

impl Terms {
    /// The terms of a node that states none: it is of the first release.
    pub const UNSTATED: Terms = Terms { supported: Versions::only(version::FIRST), cluster: None };

    /// The terms of a node whose hello has this number, and no terms.
    pub fn of_number(number: u32) -> Terms {
        let version = (number + version::FIRST).saturating_sub(FIRST_NUMBER);
        Terms { supported: Versions::only(version), cluster: None }
    }

    /// The number for a hello: that of the oldest version in which the sender can take part.
    pub fn number(&self) -> u32 {
        FIRST_NUMBER + self.cluster.unwrap_or(0).max(self.supported.min) - version::FIRST
    }

    /// Why these two nodes, each with its number, cannot be in one cluster; `None` if they can. A
    /// node whose log is behind may know only an earlier version of the cluster, so the later of
    /// both counts.
    pub fn refusal(&self, own: u64, other: u64, theirs: &Terms) -> Option<String> {
        let (own, other) = (format!("node {own}"), format!("node {other}"));
        match self.cluster.max(theirs.cluster) {
            Some(cluster) => {
                self.supported.refusal(&own, cluster).or_else(|| theirs.supported.refusal(&other, cluster))
            }
            None if self.supported.common(theirs.supported).is_some() => None,
            None => Some(format!(
                "{own} supports {}, and {other} supports {}: they have to run releases that follow each other",
                self.supported, theirs.supported
            )),
        }
    }
}

/// A member of the cluster: its addresses, and the incarnation that its number stands for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// The address (`host:port`) for other nodes.
    pub raft_address: String,
    /// The address (`host:port`) for clients.
    pub client_address: String,
    /// The random number of the node's data directory. A node that lost its disk returns with
    /// another incarnation. To Raft it is then another server, because it does not know which
    /// entries and votes the earlier one had acknowledged.
    pub incarnation: u64,
}

impl Member {
    /// Whether both members have the same addresses.
    pub fn has_addresses_of(&self, other: &Member) -> bool {
        (&self.raft_address, &self.client_address) == (&other.raft_address, &other.client_address)
    }
}

impl fmt::Display for Member {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} (clients: {})", self.raft_address, self.client_address)
    }
}

/// A vote, as it is stored on disk and sent between nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredVote {
    pub term: u64,
    pub node_id: u64,
    pub committed: bool,
}

/// One message that a client published.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PubSubMessage {
    /// Whether the message is for sharded channels (SPUBLISH).
    pub shard: bool,
    pub channel: Bytes,
    pub message: Bytes,
}

impl PubSubMessage {
    pub fn bytes(&self) -> usize {
        self.channel.len() + self.message.len()
    }
}

/// The result of a batch of commands that has been applied.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Done {
    /// The index of the batch's entry: a node that has applied this entry has all changes of the
    /// batch.
    pub index: u64,
    /// One reply for each command.
    pub replies: Vec<Reply>,
}

/// The first message of a connection: the sender's identity, and the identity that it expects of
/// the other side.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Hello {
    /// See [`Terms::number`].
    pub version: u32,
    pub cluster: String,
    pub group: u32,
    pub from: u64,
    /// The incarnation of the sender's data directory.
    pub incarnation: u64,
    pub to: u64,
    /// The expected incarnation. `None` accepts any, and is used only to ask for the node's
    /// identity.
    pub to_incarnation: Option<u64>,
    /// The index of the last membership that the sender has applied; `None` if that does not list
    /// the sender. A later membership may have removed the sender.
    pub members_index: Option<u64>,
}

/// The reply to [`Hello`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Welcome {
    Ready,
    /// The connection is closed after this message, for the reason given.
    Refused(String),
    /// The sender is no longer a member.
    Removed,
    /// The sender's number belongs to a later incarnation.
    Replaced,
}

#[derive(Debug, Serialize, Deserialize)]
pub struct WireEntry {
    pub index: u64,
    pub term: u64,
    pub payload: Bytes,
}

/// Raft's AppendEntries (figure 2 of the paper).
#[derive(Debug, Serialize, Deserialize)]
pub struct Append {
    pub vote: StoredVote,
    pub previous: Option<LogPosition>,
    pub entries: Vec<WireEntry>,
    pub commit: Option<LogPosition>,
    /// The leader's time when it sent the append, in Unix milliseconds.
    pub time_ms: u64,
}

/// Raft's RequestVote, also used as the pre-vote (§9.6 of the thesis).
#[derive(Debug, Serialize, Deserialize)]
pub struct AskVote {
    pub vote: StoredVote,
    pub last: Option<LogPosition>,
    pub transfer: bool,
}

/// Announces a snapshot before it is sent. Offers with equal fields concern the same snapshot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offer {
    pub position: LogPosition,
    pub bytes: u64,
    pub meta: Bytes,
}

/// A node's report about itself, its cluster and the asking node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    pub incarnation: u64,
    /// A random number drawn at each start. It distinguishes processes that run on copies of one
    /// directory, which have the same incarnation.
    pub process: u64,
    /// Whether the answering node was removed from its cluster, so that its knowledge is outdated.
    pub removed: bool,
    /// The cluster of the answering node; `None` if it is in none yet.
    pub cluster: Option<Formed>,
    /// The newest entry that the asking node has acknowledged to the answering one.
    pub acknowledged: Option<Acknowledged>,
    /// The last entry in the answering node's log.
    pub last: Option<LogPosition>,
    /// The newest entry that the answering node has applied.
    pub applied: Option<LogPosition>,
}

/// The membership of a cluster that exists.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Formed {
    /// The index of the membership entry.
    pub index: Option<u64>,
    /// Whether the membership entry was applied: one that may still be truncated removes no member.
    pub applied: bool,
    pub members: BTreeMap<u64, Member>,
    pub leader: Option<u64>,
}

/// The end of its log that a member reported to its leader as durable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Acknowledged {
    /// The term of the leader that received the acknowledgement.
    pub leader_term: u64,
    pub last: LogPosition,
}

/// A change of the cluster that an operator or a learner requests and the leader executes.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Change {
    Add {
        id: u64,
        member: Member,
    },
    /// A learner asks to be made a voter. A removed member cannot return by this request.
    Claim {
        id: u64,
        incarnation: u64,
    },
    Remove {
        id: u64,
        /// Remove the node even if fewer than a majority of the remaining voters answer.
        force: bool,
    },
    /// Hand leadership to the named voter or, for `None`, to the voter with the longest log.
    Transfer {
        to: Option<u64>,
    },
    /// Raise the cluster version to the newest one that every member supports. Not sent to a node
    /// that supports only the present one: the first release does not know this request.
    Finalize,
}

#[derive(Debug, Serialize, Deserialize)]
pub enum Request {
    Append(Append),
    Vote(AskVote),
    PreVote(AskVote),
    Transfer {
        from: StoredVote,
        to: u64,
        last: Option<LogPosition>,
    },
    /// The response has the offset at which to continue.
    SnapshotOffer(Offer),
    SnapshotChunk {
        offset: u64,
        bytes: Bytes,
    },
    SnapshotEnd {
        vote: StoredVote,
    },
    /// Writes of a client, forwarded to the leader.
    Propose {
        commands: u32,
        bytes: Bytes,
    },
    /// Asks the leader for the point that must be reached before a read.
    ReadPoint {
        lease: bool,
    },
    Change(Change),
    /// Messages that clients published, for subscribers on the receiving node.
    PubSub(Vec<PubSubMessage>),
    /// Asks a node for its identity, and for its report about the asking node.
    Standing,
    /// Reports to a member that it has lost entries which it had acknowledged.
    Lost(Acknowledged),
}

/// The reason why a forwarded request has no result.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum ForwardError {
    /// The node does not lead, and nothing was done: the request may be sent to the leader.
    NotLeader,
    Unavailable(Unavailable),
}

/// The reason why a change of the cluster failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ChangeRefused {
    NotLeader,
    /// The change cannot be made, for this reason.
    Impossible(String),
    /// The change cannot be made yet.
    Later(String),
    /// The change has begun, and its outcome is not known.
    Unknown(String),
}

/// The point that must be reached before a read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReadPoint {
    /// The index of the entry that must have been applied.
    pub index: u64,
    /// The time that decides for the read which keys have expired, in Unix milliseconds.
    pub time_ms: u64,
}

#[derive(Debug, Serialize, Deserialize)]
pub enum Response {
    Appended,
    AppendedUpTo(Option<LogPosition>),
    Conflict,
    HigherVote(StoredVote),
    Vote {
        vote: StoredVote,
        granted: bool,
        last: Option<LogPosition>,
        /// The cluster's time; `None` if the voter does not know it.
        time_ms: Option<u64>,
    },
    Transferred(Result<(), String>),
    SnapshotAt(u64),
    SnapshotInstalled(StoredVote),
    Replies(Result<Done, ForwardError>),
    ReadPoint(Result<ReadPoint, ForwardError>),
    Changed(Result<(), ChangeRefused>),
    Received,
    Standing(Standing),
    /// The node cannot answer this request, or can no longer answer any.
    Failed(String),
}
