//! What a connection remembers between its requests, and what a command may want done with it.

use super::{Counts, ReadConsistency, Tracking};
use crate::resp::{Protocol, Reply};

/// The state of one connection that commands may see and change.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Session {
    /// Unique on this node since its start.
    pub id: u64,
    pub protocol: Protocol,
    /// What `CLIENT SETNAME` gave.
    pub name: String,
    pub library_name: String,
    pub library_version: String,
    /// The client's address, as `host:port`.
    pub address: String,
    /// The address it connected to.
    pub local_address: String,
    /// The number of its socket among the open files of the process.
    pub descriptor: i32,
    /// Unix milliseconds.
    pub connected_ms: u64,
    /// How fresh its reads are, if not as the node's setting says.
    pub read_consistency: Option<ReadConsistency>,
    /// Whether the client has said who it is, or came when nobody had to.
    pub authenticated: bool,
    /// What it has subscribed to.
    pub subscribed: Counts,
    /// How many commands are queued between MULTI and EXEC.
    pub queued: Option<usize>,
    /// How many keys it watches.
    pub watched: usize,
    /// Whether it is shown every command.
    pub monitors: bool,
    pub tracking: Option<Tracking>,
    /// What `CLIENT CACHING` said of the next command.
    pub caching: Option<bool>,
    /// What `CLIENT NO-EVICT` and `CLIENT NO-TOUCH` said; nothing here is evicted, and no key keeps
    /// a time of last use.
    pub no_evict: bool,
    pub no_touch: bool,
    pub replies: ReplyMode,
}

/// What a command wants done with its connection, beside what it changed in the session. Whoever
/// runs it does it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Effects {
    /// The connection ends after this reply.
    pub close: bool,
    /// The reply is not sent.
    pub no_reply: bool,
    /// The transaction that is being queued and the watched keys are forgotten.
    pub reset_transaction: bool,
    /// The session's `caching` is for the command that follows, not for this one.
    pub keep_caching: bool,
    /// The session's `replies` were chosen by this command, which decides on its own reply.
    pub chose_replies: bool,
}

impl Effects {
    /// Adds what another command of the same request wants.
    pub fn add(&mut self, other: Effects) {
        self.close |= other.close;
        self.no_reply |= other.no_reply;
        self.reset_transaction |= other.reset_transaction;
        self.keep_caching |= other.keep_caching;
        self.chose_replies |= other.chose_replies;
    }
}

/// The reply of a command, and what it wants done with its connection.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    pub reply: Reply,
    pub effects: Effects,
}

impl Outcome {
    pub fn new(reply: Reply, effects: Effects) -> Outcome {
        Outcome { reply, effects }
    }
}

impl From<Reply> for Outcome {
    fn from(reply: Reply) -> Outcome {
        Outcome::new(reply, Effects::default())
    }
}

/// Which replies a client wants.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ReplyMode {
    #[default]
    On,
    Off,
    /// Not the one of the next command.
    SkipNext,
}

impl Session {
    /// Puts the session back to what a new connection has, as `RESET` does.
    pub fn reset(&mut self) {
        self.protocol = Protocol::Resp2;
        self.name.clear();
        self.read_consistency = None;
        self.subscribed = Counts::default();
        self.monitors = false;
        self.tracking = None;
        self.caching = None;
        self.no_evict = false;
        self.no_touch = false;
        self.replies = ReplyMode::On;
        self.authenticated = false;
    }

    /// Whether RESP2 leaves it no way to tell replies from messages, so that it may only change
    /// what it listens to.
    pub fn only_listens(&self) -> bool {
        self.protocol == Protocol::Resp2 && self.subscribed.total() > 0
    }
}
