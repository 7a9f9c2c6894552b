//! The messages between nodes. The layout is our own, in postcard: an alpha version of openraft may
//! change its types.
//!
//! A connection begins with a [`Hello`] and its [`Welcome`]; then one side sends [`Request`]s, and
//! the other a [`Response`] to each.

use std::collections::BTreeMap;
use std::fmt;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::error::Unavailable;
use crate::resp::Reply;
use crate::storage::log::LogPosition;

/// Changed whenever a message changes its layout: nodes of different versions refuse each other.
pub const PROTOCOL_VERSION: u32 = 4;

/// A member of the cluster: its addresses, and the incarnation of its number.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// `host:port` for other nodes.
    pub raft_address: String,
    /// `host:port` for clients.
    pub client_address: String,
    /// The number of its data directory. A node that lost its disk returns with another
    /// incarnation, and is another server to Raft: it knows nothing of what the earlier one
    /// acknowledged and voted for.
    pub incarnation: u64,
}

impl Member {
    /// Whether both have the same addresses.
    pub fn has_addresses_of(&self, other: &Member) -> bool {
        (&self.raft_address, &self.client_address) == (&other.raft_address, &other.client_address)
    }
}

impl fmt::Display for Member {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} (clients: {})", self.raft_address, self.client_address)
    }
}

/// A vote, on disk and between nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredVote {
    pub term: u64,
    pub node_id: u64,
    pub committed: bool,
}

/// One message that a client published.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PubSubMessage {
    /// Whether it is for sharded channels (SPUBLISH).
    pub shard: bool,
    pub channel: Bytes,
    pub message: Bytes,
}

impl PubSubMessage {
    pub fn bytes(&self) -> usize {
        self.channel.len() + self.message.len()
    }
}

/// The result of a batch that was applied.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Done {
    /// The batch's entry: a node that has applied it has all of the batch's changes.
    pub index: u64,
    /// One reply for each command.
    pub replies: Vec<Reply>,
}

/// The first message of a connection: the sender's identity, and the identity that it expects of
/// the other side.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Hello {
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
    /// The index of the newest membership that lists the sender: a later one may have removed it.
    pub members_index: Option<u64>,
}

/// The reply to [`Hello`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Welcome {
    Ready,
    /// The connection is closed after this, for the reason given.
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
    /// The leader's time when it sent this, in unix milliseconds.
    pub time_ms: u64,
}

/// Raft's RequestVote, also used as the pre-vote (§9.6 of the thesis).
#[derive(Debug, Serialize, Deserialize)]
pub struct AskVote {
    pub vote: StoredVote,
    pub last: Option<LogPosition>,
    pub transfer: bool,
}

/// A snapshot that is about to be sent. Offers with equal fields are of the same snapshot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offer {
    pub position: LogPosition,
    pub bytes: u64,
    pub meta: Bytes,
}

/// What a node knows of the cluster and of the asking node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    pub incarnation: u64,
    /// Drawn at each start: two processes on copies of one directory have the same incarnation.
    pub process: u64,
    /// Whether the cluster continues without the answering node: its knowledge is outdated.
    pub removed: bool,
    /// `None`: the node is in no cluster yet.
    pub cluster: Option<Formed>,
    /// What the asking node has acknowledged to the answering one.
    pub acknowledged: Option<Acknowledged>,
    /// The end of its log.
    pub last: Option<LogPosition>,
    /// The newest entry that it has applied.
    pub applied: Option<LogPosition>,
}

/// The members of a cluster that was formed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Formed {
    /// The index of the membership's entry.
    pub index: Option<u64>,
    /// Whether it was applied: a membership that may still be truncated removes no member.
    pub applied: bool,
    pub members: BTreeMap<u64, Member>,
    pub leader: Option<u64>,
}

/// The end of a log, as a member reported it durable to its leader.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Acknowledged {
    /// The term of the leader that received the acknowledgement.
    pub leader_term: u64,
    pub last: LogPosition,
}

/// A change that an operator requests; the leader executes it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Change {
    Add {
        id: u64,
        member: Member,
    },
    /// A learner asks for its vote. A removed member cannot return by this.
    Claim {
        id: u64,
        incarnation: u64,
    },
    Remove {
        id: u64,
        /// Remove even if the remaining voters that answer are no majority.
        force: bool,
    },
    /// To the named voter, or to the one with the most of the log.
    Transfer {
        to: Option<u64>,
    },
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
    /// Answered with the offset to continue from.
    SnapshotOffer(Offer),
    SnapshotChunk {
        offset: u64,
        bytes: Bytes,
    },
    SnapshotEnd {
        vote: StoredVote,
    },
    /// Writes that a client sent to another node.
    Propose {
        commands: u32,
        bytes: Bytes,
    },
    /// Asks for the point that a read has to see.
    ReadPoint {
        lease: bool,
    },
    Change(Change),
    /// Messages between clients.
    PubSub(Vec<PubSubMessage>),
    /// Asks for the node's identity, and for what it knows of the caller.
    Standing,
    /// Tells the other node that it has lost entries of its log that it had acknowledged.
    Lost(Acknowledged),
}

/// Why a forwarded request has no result.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum ForwardError {
    /// The node does not lead: nothing was done, and the leader may be asked.
    NotLeader,
    Unavailable(Unavailable),
}

/// Why a change failed.
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

/// The point that a read has to see.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReadPoint {
    /// The entry that must have been applied.
    pub index: u64,
    /// The time by which deadlines are judged, in unix milliseconds.
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
        /// The cluster's time, if the voter knows it.
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
    /// The node can no longer answer, or cannot answer this request.
    Failed(String),
}
