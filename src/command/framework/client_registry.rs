//! What commands may ask of the other connections of this node: messages, and who is there.

use bytes::Bytes;

use super::Session;
use crate::error::CommandError;

/// The kinds of names that a client subscribes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Channel {
    Plain,
    /// A pattern of names of plain channels.
    Pattern,
    /// A channel of Redis Cluster, which has its own name space.
    Shard,
}

/// How many of each kind a client has subscribed to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub channels: usize,
    pub patterns: usize,
    pub shards: usize,
}

impl Counts {
    pub fn total(self) -> usize {
        self.channels + self.patterns + self.shards
    }

    /// The number that a reply to a change of this kind has: shard channels are counted for
    /// themselves.
    pub fn shown(self, kind: Channel) -> usize {
        match kind {
            Channel::Plain | Channel::Pattern => self.channels + self.patterns,
            Channel::Shard => self.shards,
        }
    }
}

/// How a client has the node tell it which keys changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tracking {
    /// All keys that begin with one of the prefixes, whether it read them or not.
    pub broadcast: bool,
    pub prefixes: Vec<Bytes>,
    /// Only keys of commands behind `CLIENT CACHING yes`.
    pub opt_in: bool,
    /// Not the keys of commands behind `CLIENT CACHING no`.
    pub opt_out: bool,
    /// The client that is told in place of this one.
    pub redirect: Option<u64>,
}

impl Tracking {
    /// Which of the prefixes a key begins with: one at most, since none begins with another.
    pub fn prefix_of(&self, key: &[u8]) -> Option<usize> {
        self.prefixes.iter().position(|prefix| key.starts_with(prefix))
    }
}

/// Which clients `CLIENT KILL` means.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KillFilter {
    pub id: Option<u64>,
    pub address: Option<String>,
    pub local_address: Option<String>,
    /// `Some(true)`: those that have subscribed to something; `Some(false)`: the others.
    pub listens: Option<bool>,
    /// At least so old, in seconds.
    pub age_seconds_min: Option<u64>,
    /// Whoever asks is spared.
    pub spared: Option<u64>,
}

impl KillFilter {
    /// Whether a connection is meant. Whether it is spared is asked beside this.
    pub fn means(&self, session: &Session, now_ms: u64) -> bool {
        let age_seconds = now_ms.saturating_sub(session.connected_ms) / 1000;
        self.id.is_none_or(|id| id == session.id)
            && self.address.as_ref().is_none_or(|address| *address == session.address)
            && self.local_address.as_ref().is_none_or(|address| *address == session.local_address)
            && self.listens.is_none_or(|listens| listens == (session.subscribed.total() > 0))
            && self.age_seconds_min.is_none_or(|seconds| age_seconds >= seconds)
    }
}

/// The connections of this node, as commands see them. A client is named by its id.
pub trait ClientRegistry: Sync {
    /// Has a client listen to all of these names, or to none; what it listens to after each.
    fn subscribe(&self, client: u64, kind: Channel, names: &[Bytes]) -> Result<Vec<Counts>, CommandError>;
    fn unsubscribe(&self, client: u64, kind: Channel, name: &Bytes) -> Counts;
    /// What a client listens to, in order.
    fn subscriptions(&self, client: u64, kind: Channel) -> Vec<Bytes>;
    /// Sends a message to whoever listens; how many clients of this node that were.
    fn publish(&self, kind: Channel, channel: &Bytes, message: &Bytes) -> usize;
    /// The names that somebody on this node listens to, those that match a pattern.
    fn channels(&self, kind: Channel, pattern: Option<&[u8]>) -> Result<Vec<Bytes>, CommandError>;
    /// How many listen to a name.
    fn listeners(&self, kind: Channel, name: &[u8]) -> usize;
    /// Shows every command to a client, from now on or no more.
    fn monitor(&self, client: u64, on: bool);
    /// Tells a client which keys change, from now on or no more.
    fn track(&self, client: u64, tracking: Option<&Tracking>);
    /// Ends all that a client listens to, is shown and is told.
    fn forget(&self, client: u64);
    fn is_connected(&self, client: u64) -> bool;
    /// Ends connections; whether that of `own` is among them, and how many others.
    fn kill(&self, filter: &KillFilter, own: u64) -> (bool, usize);
    /// Has commands wait: all of them, or writes only.
    fn pause(&self, millis: u64, writes_only: bool);
    fn unpause(&self);
}
