//! What nodes say to each other. The layout is our own, in postcard: an alpha of openraft may
//! change its types.
//!
//! A connection begins with a [`Hello`] and its [`Welcome`]; after that one side sends
//! [`Request`]s, the other a [`Response`] to each.

use std::collections::BTreeMap;
use std::fmt;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::error::Unavailable;
use crate::resp::Reply;
use crate::storage::log::LogPosition;

/// Changed when a message changes its form: nodes of different versions do not talk.
pub const PROTOCOL_VERSION: u32 = 4;

/// A member of the cluster: where it is reached, and which of the lives of its number it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// `host:port` for other nodes.
    pub raft_address: String,
    /// `host:port` for clients.
    pub client_address: String,
    /// The number of its data directory. A node that lost its disk comes back with another one, and
    /// is another server to Raft: what the earlier one acknowledged and voted for, it knows nothing
    /// of.
    pub incarnation: u64,
}

impl Member {
    /// Whether both are reached at the same addresses.
    pub fn is_at_the_place_of(&self, other: &Member) -> bool {
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

/// One message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PubSubMessage {
    /// Whether it is for channels of Redis Cluster.
    pub shard: bool,
    pub channel: Bytes,
    pub message: Bytes,
}

impl PubSubMessage {
    pub fn bytes(&self) -> usize {
        self.channel.len() + self.message.len()
    }
}

/// A batch that was done.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Done {
    /// The entry that it was in: a node that has applied it has all that the batch changed.
    pub index: u64,
    /// One for each command.
    pub replies: Vec<Reply>,
}

/// Who connects, and what it takes the other side for.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Hello {
    pub version: u32,
    pub cluster: String,
    pub group: u32,
    pub from: u64,
    /// Of the sender's data directory.
    pub incarnation: u64,
    pub to: u64,
    /// The incarnation that is meant. `None` asks whoever has that number, and is only used to ask
    /// who it is.
    pub to_incarnation: Option<u64>,
    /// The index of the membership among which the sender knows itself: a newer one may have
    /// removed it.
    pub members_index: Option<u64>,
}

/// What the other side says to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Welcome {
    Ready,
    /// The connection is closed after this, with its reason.
    Refused(String),
    /// The sender is no member any more.
    Removed,
    /// The sender's number belongs to a later incarnation of it.
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

/// Raft's RequestVote, also as the question before it (§9.6 of the thesis).
#[derive(Debug, Serialize, Deserialize)]
pub struct AskVote {
    pub vote: StoredVote,
    pub last: Option<LogPosition>,
    pub transfer: bool,
}

/// A snapshot that is going to be sent. The same three say that it is the same one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offer {
    pub position: LogPosition,
    pub bytes: u64,
    pub meta: Bytes,
}

/// What a node knows of the cluster and of the node that asks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    pub incarnation: u64,
    /// Drawn at each start: two processes on copies of one directory have the same incarnation.
    pub process: u64,
    /// Whether the group goes on without the node that answers: what it knows is old.
    pub removed: bool,
    /// `None`: it is in no cluster yet.
    pub cluster: Option<Formed>,
    /// What the node that asks has acknowledged to the one that answers.
    pub acknowledged: Option<Acknowledged>,
    /// The end of its log.
    pub last: Option<LogPosition>,
    /// The newest entry that it has applied.
    pub applied: Option<LogPosition>,
}

/// The members of a cluster that was formed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Formed {
    /// The place of the membership in the log.
    pub index: Option<u64>,
    /// Whether it was applied: a membership that may still be undone removes nobody.
    pub applied: bool,
    pub members: BTreeMap<u64, Member>,
    pub leader: Option<u64>,
}

/// The end of a log, as a member reported it durable to its leader.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Acknowledged {
    /// The term of the leader that was told so.
    pub leader_term: u64,
    pub last: LogPosition,
}

/// What an operator asks of the group; answered by its leader.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Change {
    Add {
        id: u64,
        member: Member,
    },
    /// A learner asks for its vote. One that was removed gets none by it.
    Claim {
        id: u64,
        incarnation: u64,
    },
    Remove {
        id: u64,
        /// Also when the voters that are left and answer are no majority.
        force: bool,
    },
    /// To the named voter, or to the one that is furthest.
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
    /// Answered with the offset to go on from.
    SnapshotOffer(Offer),
    SnapshotChunk {
        offset: u64,
        bytes: Bytes,
    },
    SnapshotEnd {
        vote: StoredVote,
    },
    /// Writes that a client gave to another node.
    Propose {
        commands: u32,
        bytes: Bytes,
    },
    /// What a read has to see.
    ReadPoint {
        lease: bool,
    },
    Change(Change),
    /// Messages of clients to clients.
    PubSub(Vec<PubSubMessage>),
    /// Who are you, and what do you know of me?
    Standing,
    /// The other side has lost entries of its log that it had acknowledged.
    Lost(Acknowledged),
}

/// Why a forwarded request was not answered.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum ForwardError {
    /// The node does not lead: nothing was done, ask the one that does.
    NotLeader,
    Unavailable(Unavailable),
}

/// Why a change was not made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ChangeRefused {
    NotLeader,
    /// It cannot be done, for this reason.
    Impossible(String),
    /// It cannot be done yet.
    Later(String),
    /// It was begun, and how it ended is not known here.
    Unknown(String),
}

/// What a read has to see.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReadPoint {
    /// The entry that has to be applied.
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
        /// The group's time as the voter knows it, if it does.
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
    /// The node cannot answer anything any more, or not this.
    Failed(String),
}
