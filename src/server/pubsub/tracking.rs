//! The tracking table: the keys that each caching client has read, so that changes of them are
//! reported to it.
//!
//! Invariants:
//! * a key is tracked before it is read, so that no change after the read is missed;
//! * an invalidation ends the tracking of its key: a client receives one invalidation of a key, and
//!   no other until it reads the key again; clients in broadcast mode receive one for each change;
//! * at most `tracking-table-max-keys` keys are tracked; to make room for a further key, another
//!   one is invalidated.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use dashmap::DashMap;
use smallvec::SmallVec;

use super::clients::Client;
use crate::command::Tracking;

/// Default for `tracking-table-max-keys`, the same as in Redis; the table then takes about 100 MB
/// with short keys.
pub const KEYS_MAX: usize = 1_000_000;

/// Maximum size of a tracked key. A longer key is invalidated right after the reply, so that the
/// client does not cache it.
pub const KEY_BYTES_MAX: usize = 4096;

/// Before a key with this many readers gets another one, its disconnected readers are removed.
const READERS_BEFORE_CLEANUP: usize = 16;

/// The ids of a key's readers; most keys are cached by one or two clients.
type Ids = SmallVec<[u64; 2]>;

/// A client with CLIENT TRACKING.
#[derive(Clone, Debug)]
pub struct Tracker {
    pub client: Arc<Client>,
    pub tracking: Tracking,
}

/// The size of the tracking table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tracked {
    pub keys: usize,
    /// Number of pairs of a key and a client that has read it.
    pub items: usize,
    /// Number of distinct prefixes in broadcast mode.
    pub prefixes: usize,
}

#[derive(Debug, Default)]
pub struct TrackingTable {
    trackers: DashMap<u64, Tracker>,
    /// The number of clients in broadcast mode. While it is 0, changes are not compared with
    /// prefixes.
    broadcasting: AtomicUsize,
    keys: DashMap<Bytes, Ids>,
    keys_count: AtomicUsize,
    /// The value of `tracking-table-max-keys`; 0 stands for [`KEYS_MAX`].
    keys_max: AtomicUsize,
}

impl TrackingTable {
    pub fn set_keys_max(&self, keys: usize) {
        self.keys_max.store(keys, Ordering::Relaxed);
    }

    pub fn is_empty(&self) -> bool {
        self.trackers.is_empty()
    }

    pub fn len(&self) -> usize {
        self.trackers.len()
    }

    /// Measures the table for INFO. This walks over the whole table.
    pub fn tracked(&self) -> Tracked {
        let mut prefixes = std::collections::BTreeSet::new();
        for tracker in self.trackers.iter().filter(|tracker| tracker.tracking.broadcast) {
            match &tracker.tracking.prefixes[..] {
                // A client without prefixes tracks all keys, which counts as the empty prefix.
                [] => drop(prefixes.insert(Bytes::new())),
                some => prefixes.extend(some.iter().cloned()),
            }
        }
        let items = self.keys.iter().map(|ids| ids.value().len()).sum();
        Tracked { keys: self.keys.len(), items, prefixes: prefixes.len() }
    }

    pub fn set(&self, tracker: Tracker) {
        let broadcasts = usize::from(tracker.tracking.broadcast);
        // Counted before the tracker is in the table, so that no tracker in the table is skipped.
        self.broadcasting.fetch_add(broadcasts, Ordering::SeqCst);
        let before = self.trackers.insert(tracker.client.id, tracker);
        self.uncount(before);
    }

    fn uncount(&self, gone: Option<Tracker>) {
        let broadcast = gone.is_some_and(|gone| gone.tracking.broadcast);
        let counted = self.broadcasting.fetch_sub(usize::from(broadcast), Ordering::SeqCst);
        assert!(counted >= usize::from(broadcast), "a broadcasting tracker was counted");
    }

    /// Removes a client. Its id stays with the keys that it has read until they change, and is
    /// ignored then. Without any client, all keys are removed.
    pub fn forget(&self, client: u64) {
        self.uncount(self.trackers.remove(&client).map(|(_, gone)| gone));
        if self.trackers.is_empty() {
            self.forget_keys();
        }
    }

    pub fn find(&self, client: u64) -> Option<Tracker> {
        self.trackers.get(&client).map(|tracker| tracker.value().clone())
    }

    /// Tracks a key that a client is about to read. Returns a key that the caller has to
    /// invalidate, if any: another key to make room, or this one if it is too long to be tracked.
    pub fn remember(&self, client: u64, key: &[u8]) -> Option<Bytes> {
        if key.len() > KEY_BYTES_MAX {
            return Some(Bytes::copy_from_slice(key));
        }
        let mut ids = match self.keys.get_mut(key) {
            Some(ids) => ids,
            // Counted while the map entry is locked, so that a removal of the key cannot be counted
            // before.
            None => self.keys.entry(Bytes::copy_from_slice(key)).or_insert_with(|| {
                self.keys_count.fetch_add(1, Ordering::Relaxed);
                Ids::new()
            }),
        };
        if !ids.contains(&client) {
            if ids.len() >= READERS_BEFORE_CLEANUP {
                ids.retain(|id| self.trackers.contains_key(id));
            }
            ids.push(client);
        }
        drop(ids);
        (self.surplus_count() > 0).then(|| self.another_key(key)).flatten()
    }

    /// The number of tracked keys beyond the limit.
    fn surplus_count(&self) -> usize {
        let keys_max = match self.keys_max.load(Ordering::Relaxed) {
            0 => KEYS_MAX,
            keys => keys,
        };
        self.keys_count.load(Ordering::Relaxed).saturating_sub(keys_max)
    }

    /// The keys to be invalidated after the limit was lowered.
    pub fn surplus(&self) -> Vec<Bytes> {
        match self.surplus_count() {
            0 => Vec::new(),
            keys => self.keys.iter().take(keys).map(|entry| entry.key().clone()).collect(),
        }
    }

    /// Whether this key is tracked for the client.
    pub fn remembers(&self, client: u64, key: &[u8]) -> bool {
        self.keys.get(key).is_some_and(|ids| ids.contains(&client))
    }

    fn another_key(&self, key: &[u8]) -> Option<Bytes> {
        let mut others = self.keys.iter().filter(|entry| entry.key() != key);
        others.next().map(|entry| entry.key().clone())
    }

    /// Stops the tracking of a key. Returns the clients that have read it.
    pub fn readers(&self, key: &[u8]) -> Vec<Tracker> {
        let Some((_, ids)) = self.keys.remove(key) else { return Vec::new() };
        let counted = self.keys_count.fetch_sub(1, Ordering::Relaxed);
        assert!(counted > 0, "a removed key was counted");
        ids.iter().filter_map(|&id| self.find(id)).filter(|tracker| !tracker.tracking.broadcast).collect()
    }

    /// The clients in broadcast mode that have a prefix of this key.
    pub fn broadcast(&self, key: &[u8]) -> Vec<Tracker> {
        if self.broadcasting.load(Ordering::SeqCst) == 0 {
            return Vec::new();
        }
        let wants = |tracking: &Tracking| {
            tracking.broadcast && (tracking.prefixes.is_empty() || tracking.prefix_of(key).is_some())
        };
        let found = self.trackers.iter().filter(|tracker| wants(&tracker.tracking));
        found.map(|tracker| tracker.value().clone()).collect()
    }

    /// Removes all keys. Returns all trackers.
    pub fn take_all(&self) -> Vec<Tracker> {
        self.forget_keys();
        self.trackers.iter().map(|tracker| tracker.value().clone()).collect()
    }

    fn forget_keys(&self) {
        self.keys.retain(|_, _| {
            self.keys_count.fetch_sub(1, Ordering::Relaxed);
            false
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::Session;
    use crate::server::pubsub::socket_writer::SocketWriter;

    fn tracker(id: u64, tracking: Tracking) -> Tracker {
        Tracker {
            client: Arc::new(Client::new(Session { id, ..Session::default() }, SocketWriter::default())),
            tracking,
        }
    }

    fn ids(trackers: &[Tracker]) -> Vec<u64> {
        trackers.iter().map(|tracker| tracker.client.id).collect()
    }

    #[test]
    fn a_reader_is_invalidated_once() {
        let table = TrackingTable::default();
        table.set(tracker(1, Tracking::default()));
        table.set(tracker(2, Tracking::default()));
        for client in [1, 2, 1] {
            assert_eq!(table.remember(client, b"key"), None);
        }
        table.forget(2);
        assert_eq!(ids(&table.readers(b"key")), [1]);
        assert!(table.readers(b"key").is_empty());
    }

    #[test]
    fn keys_beyond_the_limit_make_room() {
        let table = TrackingTable::default();
        table.set_keys_max(1);
        table.set(tracker(1, Tracking::default()));
        assert_eq!(table.remember(1, b"old"), None);
        assert_eq!(table.remember(1, b"new"), Some(Bytes::from_static(b"old")));
        assert_eq!(ids(&table.readers(b"old")), [1]);
        assert_eq!(ids(&table.take_all()), [1]);
        assert!(table.readers(b"new").is_empty(), "all keys were removed");
    }

    #[test]
    fn a_lower_limit_leaves_a_surplus() {
        let table = TrackingTable::default();
        table.set(tracker(1, Tracking::default()));
        for key in ["a", "b", "c"] {
            assert_eq!(table.remember(1, key.as_bytes()), None);
        }
        assert!(table.surplus().is_empty());
        table.set_keys_max(1);
        let surplus = table.surplus();
        assert_eq!(surplus.len(), 2);
        surplus.iter().for_each(|key| assert_eq!(ids(&table.readers(key)), [1]));
        assert!(table.surplus().is_empty());
    }

    #[test]
    fn prefixes_choose_among_all_keys() {
        let table = TrackingTable::default();
        let prefixes = vec![Bytes::from_static(b"user:")];
        table.set(tracker(1, Tracking { broadcast: true, prefixes, ..Tracking::default() }));
        table.set(tracker(2, Tracking { broadcast: true, ..Tracking::default() }));
        table.set(tracker(3, Tracking::default()));
        assert_eq!(ids(&table.broadcast(b"other")), [2]);
        let mut both = ids(&table.broadcast(b"user:1"));
        both.sort_unstable();
        assert_eq!(both, [1, 2]);
        table.set(tracker(2, Tracking::default()));
        table.forget(1);
        assert!(table.broadcast(b"user:1").is_empty());
        assert_eq!(table.broadcasting.load(Ordering::SeqCst), 0);
    }
}
