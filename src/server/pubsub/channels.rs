//! Subscriptions: the subscribers of each name, and the names of each client.
//!
//! A name is a channel, a pattern or a shard channel; each kind has its own table.
//!
//! Invariants:
//! * a client is in [`Channels`] under a name exactly while the name is in its [`Subscriptions`];
//! * a client has at most [`NAMES_PER_CLIENT_MAX`] names.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use bytes::Bytes;
use dashmap::DashMap;

use super::clients::Client;
use crate::command::framework::glob;
use crate::command::{Channel, Counts};
use crate::error::CommandError;

/// The names of one kind, each with its subscribers.
#[derive(Debug, Default)]
pub struct Channels(DashMap<Bytes, HashMap<u64, Arc<Client>>>);

impl Channels {
    pub fn add(&self, name: &Bytes, client: &Arc<Client>) {
        self.0.entry(name.clone()).or_default().insert(client.id, client.clone());
    }

    pub fn remove(&self, name: &Bytes, client: u64) {
        self.0.remove_if_mut(name, |_, listeners| {
            listeners.remove(&client);
            listeners.is_empty()
        });
    }

    /// The subscribers of a name.
    pub fn listeners(&self, name: &[u8]) -> Vec<Arc<Client>> {
        self.0.get(name).map(|listeners| listeners.values().cloned().collect()).unwrap_or_default()
    }

    pub fn count(&self, name: &[u8]) -> usize {
        self.0.get(name).map_or(0, |listeners| listeners.len())
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// The names that match a pattern, or all, sorted.
    pub fn names(&self, pattern: Option<&[u8]>) -> Result<Vec<Bytes>, CommandError> {
        let mut names = Vec::new();
        for entry in &self.0 {
            if pattern.map_or(Ok(true), |pattern| glob::matches(pattern, entry.key()))? {
                names.push(entry.key().clone());
            }
        }
        names.sort();
        Ok(names)
    }

    /// The patterns that match a name, with their subscribers. A pattern that exceeds the budget of
    /// a match matches nothing.
    pub fn matching(&self, name: &[u8]) -> Vec<(Bytes, Vec<Arc<Client>>)> {
        let matches = |pattern: &Bytes| glob::matches(pattern, name) == Ok(true);
        let found = self.0.iter().filter(|entry| matches(entry.key()));
        found.map(|entry| (entry.key().clone(), entry.value().values().cloned().collect())).collect()
    }
}

/// Each name takes a few hundred bytes in two tables.
pub const NAMES_PER_CLIENT_MAX: usize = 100_000;

/// No channel has a longer name in practice. Together with [`NAMES_PER_CLIENT_MAX`] it bounds the
/// memory of a client's names.
pub const NAME_BYTES_MAX: usize = 64 << 10;

/// A kind of names, as an index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kind(usize);

impl Kind {
    pub const COUNT: usize = 3;
    pub const ALL: [Kind; Kind::COUNT] = [Kind(0), Kind(1), Kind(2)];

    pub fn at(self) -> usize {
        self.0
    }
}

impl From<Channel> for Kind {
    fn from(channel: Channel) -> Kind {
        match channel {
            Channel::Plain => Kind(0),
            Channel::Pattern => Kind(1),
            Channel::Shard => Kind(2),
        }
    }
}

/// The names that one client is subscribed to.
#[derive(Debug, Default)]
pub struct Subscriptions([BTreeSet<Bytes>; Kind::COUNT]);

impl Subscriptions {
    pub fn names(&self, kind: Kind) -> &BTreeSet<Bytes> {
        &self.0[kind.0]
    }

    pub fn names_mut(&mut self, kind: Kind) -> &mut BTreeSet<Bytes> {
        &mut self.0[kind.0]
    }

    pub fn counts(&self) -> Counts {
        let [channels, patterns, shards] = &self.0;
        Counts { channels: channels.len(), patterns: patterns.len(), shards: shards.len() }
    }

    /// Checks that these names may be added.
    pub fn check_room_for(&self, names: &[Bytes]) -> Result<(), CommandError> {
        let long = names.iter().any(|name| name.len() > NAME_BYTES_MAX);
        match long || self.counts().total() + names.len() > NAMES_PER_CLIENT_MAX {
            false => Ok(()),
            true => Err(CommandError::new(format!(
                "ERR a client can subscribe to at most {NAMES_PER_CLIENT_MAX} names of {NAME_BYTES_MAX} bytes each"
            ))),
        }
    }
}
