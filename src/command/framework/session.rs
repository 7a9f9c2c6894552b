//! What a connection remembers between its requests.

use super::{Counts, ReadConsistency, Tracking};
use crate::resp::Protocol;

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
    /// Set by `QUIT`: the connection ends after this reply.
    pub closing: bool,
    /// Set by `SHUTDOWN`: there is no reply either.
    pub unanswered: bool,
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
    /// Whether this command said so.
    pub caching_said: bool,
    /// What `CLIENT NO-EVICT` and `CLIENT NO-TOUCH` said; nothing here is evicted, and no key keeps a time of last use.
    pub no_evict: bool,
    pub no_touch: bool,
    pub replies: ReplyMode,
    /// Whether this command chose them.
    pub replies_said: bool,
    /// Set by `RESET`: what was queued is forgotten.
    pub begins_anew: bool,
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
        self.begins_anew = true;
        self.authenticated = false;
    }

    /// Whether RESP2 leaves it no way to tell replies from messages, so that it may only change what it listens to.
    pub fn only_listens(&self) -> bool {
        self.protocol == Protocol::Resp2 && self.subscribed.total() > 0
    }
}
