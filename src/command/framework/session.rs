//! The state of a connection between its requests, and the effects of commands on it.

use bytes::Bytes;

use super::{Counts, ReadConsistency, Tracking};
use crate::acl::DEFAULT_USER;
use crate::resp::{Protocol, Reply};

/// The state of a connection that commands may read and change.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Session {
    /// The id of the connection, unique on this node since its start.
    pub id: u64,
    pub protocol: Protocol,
    /// Set by `CLIENT SETNAME`.
    pub name: String,
    pub library_name: String,
    pub library_version: String,
    /// The client's address, as `host:port`.
    pub address: String,
    /// The address of this node to which the client connected.
    pub local_address: String,
    /// The file descriptor of the connection's socket.
    pub descriptor: i32,
    /// The time at which the client connected, in Unix milliseconds.
    pub connected_ms: u64,
    /// The consistency that the client has chosen for the connection's reads; `None` if the node's
    /// setting applies.
    pub read_consistency: Option<ReadConsistency>,
    /// The name of the client's user; empty for `default`.
    pub user: Bytes,
    /// Whether the client has authenticated, or connected while no password was set.
    pub authenticated: bool,
    /// The numbers of the client's subscriptions.
    pub subscribed: Counts,
    /// The number of commands queued since MULTI; `None` outside of a transaction.
    pub queued: Option<usize>,
    /// The number of watched keys.
    pub watched: usize,
    /// Whether the client receives every command (MONITOR).
    pub monitors: bool,
    pub tracking: Option<Tracking>,
    /// Set by `CLIENT CACHING`, for the next command.
    pub caching: Option<bool>,
    /// Set by `CLIENT NO-EVICT` and `CLIENT NO-TOUCH`, and only shown in `CLIENT LIST`: no client
    /// is evicted, and keys have no time of last use.
    pub no_evict: bool,
    pub no_touch: bool,
    pub replies: ReplyMode,
}

/// The effects of a command on its connection, except changes of the session. The dispatcher
/// carries them out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Effects {
    /// The connection is closed after this reply.
    pub close: bool,
    /// The reply is not sent.
    pub no_reply: bool,
    /// The open transaction and the watched keys are discarded.
    pub reset_transaction: bool,
    /// The session's `caching` stays set for the next command.
    pub keep_caching: bool,
    /// The command has set the session's `replies`, which already applies to its own reply.
    pub chose_replies: bool,
}

impl Effects {
    /// Adds the effects of another command of the same request.
    pub fn add(&mut self, other: Effects) {
        self.close |= other.close;
        self.no_reply |= other.no_reply;
        self.reset_transaction |= other.reset_transaction;
        self.keep_caching |= other.keep_caching;
        self.chose_replies |= other.chose_replies;
    }
}

/// The reply of a command, and its effects on the connection.
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

/// The mode of `CLIENT REPLY`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ReplyMode {
    #[default]
    On,
    Off,
    /// The next command has no reply.
    SkipNext,
}

impl Session {
    /// Resets the session for `RESET`. The connection's id, addresses and client library stay; the
    /// dispatcher resets the transaction and the watched keys.
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
        self.user = Bytes::new();
        self.authenticated = false;
    }

    /// The name of the client's user.
    pub fn user(&self) -> &[u8] {
        if self.user.is_empty() { DEFAULT_USER } else { &self.user }
    }

    /// Whether only commands with the flag `while_subscribed` are allowed: a RESP2 client with
    /// subscriptions could not distinguish the replies of other commands from messages.
    pub fn only_listens(&self) -> bool {
        self.protocol == Protocol::Resp2 && self.subscribed.total() > 0
    }
}
