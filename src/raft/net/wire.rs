//! What nodes say to each other. The layout is our own, in postcard: an alpha of openraft may change its types.
//!
//! A connection begins with a [`Hello`] and its [`Welcome`]; after that one side sends [`Request`]s, the other a
//! [`Response`] to each.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::error::Unavailable;
use crate::raft::convert::StoredVote;
use crate::raft::notices::Notice;
use crate::raft::proposer::Done;
use crate::raft::types::Member;

/// Changed when a message changes its form: nodes of different versions do not talk.
pub const PROTOCOL_VERSION: u32 = 3;

/// Index and term.
pub type Place = (u64, u64);

/// Who connects, and what it takes the other side for.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Hello {
    pub version: u32,
    pub cluster: String,
    pub group: u32,
    pub from: u64,
    pub to: u64,
    /// The index of the membership among which the sender knows itself: a newer one may have removed it.
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
    pub previous: Option<Place>,
    pub entries: Vec<WireEntry>,
    pub commit: Option<Place>,
}

/// Raft's RequestVote, also as the question before it (§9.6 of the thesis).
#[derive(Debug, Serialize, Deserialize)]
pub struct AskVote {
    pub vote: StoredVote,
    pub last: Option<Place>,
    pub transfer: bool,
}

/// A snapshot that is going to be sent. The same three say that it is the same one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offer {
    pub place: Place,
    pub bytes: u64,
    pub meta: Bytes,
}

/// What an operator asks of the group; answered by its leader.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Change {
    Add {
        id: u64,
        member: Member,
    },
    Remove {
        id: u64,
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
        last: Option<Place>,
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
    /// The index that a read has to see.
    ReadIndex {
        lease: bool,
    },
    Change(Change),
    /// Messages of clients to clients.
    Notices(Vec<Notice>),
}

/// Why a forwarded request was not answered.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Declined {
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
    /// It was begun, and how it ended is not known here.
    Unknown(String),
}

#[derive(Debug, Serialize, Deserialize)]
pub enum Response {
    Appended,
    AppendedUpTo(Option<Place>),
    Conflict,
    HigherVote(StoredVote),
    Vote {
        vote: StoredVote,
        granted: bool,
        last: Option<Place>,
    },
    Transferred(Result<(), String>),
    SnapshotAt(u64),
    SnapshotInstalled(StoredVote),
    Replies(Result<Done, Declined>),
    ReadIndex(Result<Option<u64>, Declined>),
    Changed(Result<(), ChangeRefused>),
    Noticed,
    /// The node cannot answer anything any more, or not this.
    Failed(String),
}
