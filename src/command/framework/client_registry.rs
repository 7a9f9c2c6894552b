//! The interface through which commands use the connections of this node: subscriptions, tracking,
//! CLIENT KILL, pause.

use bytes::Bytes;

use super::Session;
use crate::error::CommandError;

/// The kinds of names to which a client subscribes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Channel {
    Plain,
    /// A glob pattern for names of plain channels.
    Pattern,
    /// A shard channel of Redis Cluster. Shard channels have their own namespace.
    Shard,
}

/// The number of a client's subscriptions, by kind.
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

    /// The count that the confirmation of a subscription of this kind contains: shard channels are
    /// counted separately from the others.
    pub fn shown(self, kind: Channel) -> usize {
        match kind {
            Channel::Plain | Channel::Pattern => self.channels + self.patterns,
            Channel::Shard => self.shards,
        }
    }
}

/// The options of `CLIENT TRACKING`, which determine for which keys a client receives
/// invalidations.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tracking {
    /// `BCAST`: all keys that begin with one of the prefixes, or simply all keys if there is no
    /// prefix, even if the client has not read them.
    pub broadcast: bool,
    pub prefixes: Vec<Bytes>,
    /// `OPTIN`: only the keys of commands that follow `CLIENT CACHING yes`.
    pub opt_in: bool,
    /// `OPTOUT`: all keys except those of commands that follow `CLIENT CACHING no`.
    pub opt_out: bool,
    /// The client that receives the invalidations instead of this one.
    pub redirect: Option<u64>,
}

impl Tracking {
    /// The position in `prefixes` of the prefix with which a key begins. At most one fits, because
    /// no prefix begins with another.
    pub fn prefix_of(&self, key: &[u8]) -> Option<usize> {
        self.prefixes.iter().position(|prefix| key.starts_with(prefix))
    }
}

/// The filter of `CLIENT KILL`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KillFilter {
    pub id: Option<u64>,
    pub address: Option<String>,
    pub local_address: Option<String>,
    pub user: Option<Bytes>,
    /// `Some(true)` selects clients with subscriptions, `Some(false)` clients without.
    pub subscribed: Option<bool>,
    /// The minimum age of a connection.
    pub age_seconds_min: Option<u64>,
    /// The id of the client to be excluded (`SKIPME`): the one that sent the command.
    pub excluded: Option<u64>,
}

impl KillFilter {
    /// Whether the filter selects a connection. The caller checks `excluded`.
    pub fn means(&self, session: &Session, now_ms: u64) -> bool {
        let age_seconds = now_ms.saturating_sub(session.connected_ms) / 1000;
        self.id.is_none_or(|id| id == session.id)
            && self.address.as_ref().is_none_or(|address| *address == session.address)
            && self.user.as_ref().is_none_or(|user| *user == session.user())
            && self.local_address.as_ref().is_none_or(|address| *address == session.local_address)
            && self.subscribed.is_none_or(|subscribed| subscribed == (session.subscribed.total() > 0))
            && self.age_seconds_min.is_none_or(|seconds| age_seconds >= seconds)
    }
}

/// The connections of this node; a client is identified by its id.
pub trait ClientRegistry: Sync {
    /// Subscribes a client to all these names; on an error, to none. Returns the counts after each
    /// name.
    fn subscribe(&self, client: u64, kind: Channel, names: &[Bytes]) -> Result<Vec<Counts>, CommandError>;
    fn unsubscribe(&self, client: u64, kind: Channel, name: &Bytes) -> Counts;
    /// The names of this kind to which a client has subscribed, in the order of their bytes.
    fn subscriptions(&self, client: u64, kind: Channel) -> Vec<Bytes>;
    /// Sends a message to the subscribers. Returns the number of receivers on this node.
    fn publish(&self, kind: Channel, channel: &Bytes, message: &Bytes) -> usize;
    /// The names that have subscribers on this node and match the pattern, if one is given.
    fn channels(&self, kind: Channel, pattern: Option<&[u8]>) -> Result<Vec<Bytes>, CommandError>;
    /// The number of subscribers of a name on this node.
    fn listeners(&self, kind: Channel, name: &[u8]) -> usize;
    /// Starts or stops sending every command to a client.
    fn monitor(&self, client: u64, on: bool);
    /// Starts or stops sending invalidations to a client.
    fn track(&self, client: u64, tracking: Option<&Tracking>);
    /// Ends all subscriptions, MONITOR and tracking of a client.
    fn forget(&self, client: u64);
    fn is_connected(&self, client: u64) -> bool;
    /// Closes the connections that the filter selects, except `own`, which the caller closes
    /// itself. Returns whether the filter selects `own`, and the number of the other connections.
    fn kill(&self, filter: &KillFilter, own: u64) -> (bool, usize);
    /// Holds back the commands of clients for a time: all of them, or writes only.
    fn pause(&self, millis: u64, writes_only: bool);
    fn unpause(&self);
}
