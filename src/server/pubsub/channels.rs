//! The subscribers of each name.
//!
//! A name is a channel, a pattern or a shard channel; each kind has its own table.
//!
//! Invariant: a table lists a client under a name exactly while the name is in its
//! [`super::clients::Subscriptions`].

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use dashmap::DashMap;

use super::clients::Client;
use crate::command::framework::glob;
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

    /// The names that match a pattern, sorted; all names for `None`.
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

    /// The patterns that match a name, with their subscribers. A pattern whose match exceeds the
    /// step budget counts as not matching.
    pub fn matching(&self, name: &[u8]) -> Vec<(Bytes, Vec<Arc<Client>>)> {
        let matches = |pattern: &Bytes| glob::matches(pattern, name) == Ok(true);
        let found = self.0.iter().filter(|entry| matches(entry.key()));
        found.map(|entry| (entry.key().clone(), entry.value().values().cloned().collect())).collect()
    }
}
