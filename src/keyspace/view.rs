//! A read-only view of the keyspace.

use std::cell::Cell;
use std::convert::Infallible;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::num::NonZeroU64;
use std::sync::atomic::{AtomicU64, Ordering};

use super::map;
use super::slot::Slot;
use super::{Collection, Entry, EntryRef, Held, Keyspace, Value};
use crate::error::CommandError;
use crate::json::Document;
use crate::json::path::Steps;

/// The keyspace as a reading command sees it. Deadlines at or before the view's time have passed.
///
/// A view has no method that changes anything, so a `Read` command cannot change the keyspace. The
/// methods of a [`super::Writer`] do not compile on it:
///
/// ```
/// fn apply(keyspace: &mut jsonvault::keyspace::Writer<'_>) -> bool {
///     keyspace.remove(b"key")
/// }
/// ```
/// ```compile_fail,E0599
/// fn run(keyspace: &jsonvault::keyspace::View<'_>) -> bool {
///     keyspace.remove(b"key")
/// }
/// ```
/// Nor does it expose the keyspace behind it:
///
/// ```compile_fail,E0616
/// fn run(view: &jsonvault::keyspace::View<'_>) -> usize {
///     view.keyspace.len()
/// }
/// ```
pub struct View<'a> {
    pub(super) keyspace: &'a Keyspace,
    pub(super) now_ms: u64,
    pub(super) held: Cell<Option<Held<'a>>>,
    /// Whether lookups are counted, because a client's command makes them.
    pub(super) counts: bool,
    pub(super) steps: Steps<'a>,
}

impl<'a> View<'a> {
    /// The budget of steps for the paths of the command.
    pub fn steps(&self) -> Steps<'a> {
        self.steps
    }
}

impl View<'_> {
    /// Calls `with` on the entry under `key`; `None` if the key does not exist or has expired.
    pub fn with<T>(&self, key: &[u8], with: impl FnOnce(EntryRef<'_>) -> T) -> Option<T> {
        self.with_slot(key, |slot| with(slot.entry()))
    }

    fn with_slot<T>(&self, key: &[u8], with: impl FnOnce(&Slot) -> T) -> Option<T> {
        let map = &self.keyspace.map;
        let lives = |slot: &Slot| !slot.entry().is_expired(self.now_ms);
        let found = map.with(map.name(key), |slot| lives(slot).then(|| with(slot))).flatten();
        if self.counts {
            self.keyspace.lookups.count(found.is_some());
        }
        found
    }

    /// The document under `key`; an error if the key holds another type.
    pub fn document(&self, key: &[u8]) -> Result<Option<Document>, CommandError> {
        self.with_slot(key, |slot| slot.document().ok_or(CommandError::WRONG_JSON_KIND)).transpose()
    }

    /// The result of `with` on the collection under `key`; an error if the key holds another type.
    pub fn with_collection<C: Collection, T>(
        &self,
        key: &[u8],
        with: impl FnOnce(&C) -> T,
    ) -> Result<Option<T>, CommandError> {
        self.with(key, |entry| C::of(entry.value).map(with).ok_or(CommandError::WRONG_KIND)).transpose()
    }

    pub fn value(&self, key: &[u8]) -> Option<Value> {
        self.with_slot(key, Slot::value)
    }

    pub fn entry(&self, key: &[u8]) -> Option<Entry> {
        self.with_slot(key, Slot::to_entry)
    }

    /// The approximate memory of a key with its entry, in bytes.
    pub fn memory_bytes(&self, key: &[u8]) -> Option<usize> {
        self.with_slot(key, Slot::memory_bytes)
    }

    pub fn exists(&self, key: &[u8]) -> bool {
        self.with(key, |_| ()).is_some()
    }

    /// The deadline of a key in Unix milliseconds. The outer `None` means that the key does not
    /// exist, the inner one that it has no deadline.
    pub fn deadline_ms(&self, key: &[u8]) -> Option<Option<NonZeroU64>> {
        self.with(key, |entry| entry.expires_ms)
    }

    /// Releases the lock, once the command has read everything that it needs; later reads through
    /// this view may see a newer state.
    pub fn release(&self) {
        self.held.set(None);
    }

    pub fn version(&self, key: &[u8]) -> Option<u64> {
        self.with(key, |entry| entry.version)
    }

    pub fn now_ms(&self) -> u64 {
        self.now_ms
    }

    pub fn len(&self) -> usize {
        self.keyspace.len()
    }

    pub fn is_empty(&self) -> bool {
        self.keyspace.is_empty()
    }

    /// A digest of all users and of all keys with their values, deadlines and versions, expired
    /// keys included. It does not depend on the order in which the keys were inserted.
    pub fn digest(&self) -> u128 {
        let mut digest = 0u128;
        for shard in 0..map::SHARDS {
            self.keyspace.map.for_each_in_shard(shard, |slot| {
                let (key, entry) = (slot.key(), slot.entry());
                let one = |salt: u8| {
                    // `DefaultHasher::new` has fixed keys, so every node computes the same digest.
                    let mut hasher = DefaultHasher::new();
                    (salt, key).hash(&mut hasher);
                    entry.value.digest(&mut hasher);
                    (entry.expires_ms, entry.version).hash(&mut hasher);
                    u128::from(hasher.finish())
                };
                digest = digest.wrapping_add(one(0) << 64 | one(1));
            });
        }
        let users = self.keyspace.users.current();
        for (name, user) in users.iter() {
            let mut hasher = DefaultHasher::new();
            (name, user.describe()).hash(&mut hasher);
            digest = digest.wrapping_add(u128::from(hasher.finish()));
        }
        digest
    }

    /// Calls `take` with the keys of the next shards from `cursor`, and returns the next cursor,
    /// which is 0 at the end.
    ///
    /// A call covers whole shards: it stops after the shard in which it reaches `count` keys. A key
    /// that exists from the first call to the last is returned at least once, because a key never
    /// changes its shard.
    pub fn scan(&self, cursor: u64, count: usize, mut take: impl FnMut(&[u8], EntryRef<'_>)) -> u64 {
        let Ok(next) = self.try_scan(cursor, count, |key, entry| -> Result<(), Infallible> {
            take(key, entry);
            Ok(())
        });
        next
    }

    /// Like [`View::scan`], but ends at the first error of `take` and returns it.
    pub fn try_scan<E>(
        &self,
        cursor: u64,
        count: usize,
        mut take: impl FnMut(&[u8], EntryRef<'_>) -> Result<(), E>,
    ) -> Result<u64, E> {
        let mut next = usize::try_from(cursor).unwrap_or(usize::MAX);
        let mut seen = 0;
        while next < map::SHARDS && seen < count {
            self.keyspace.map.try_for_each_in_shard(next, |key, entry| {
                if !entry.is_expired(self.now_ms) {
                    take(key, entry)?;
                    seen += 1;
                }
                Ok(())
            })?;
            next += 1;
        }
        Ok(if next >= map::SHARDS { 0 } else { next as u64 })
    }
}

/// Counts the lookups of reading commands. As in Redis, those of writes are not counted.
#[derive(Debug, Default)]
pub struct Lookups {
    hits: AtomicU64,
    misses: AtomicU64,
}

impl Lookups {
    pub(super) fn count(&self, found: bool) {
        let counter = if found { &self.hits } else { &self.misses };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    /// The lookups that found their key, and those that did not.
    pub fn counted(&self) -> (u64, u64) {
        (self.hits.load(Ordering::Relaxed), self.misses.load(Ordering::Relaxed))
    }

    pub fn reset(&self) {
        self.hits.store(0, Ordering::Relaxed);
        self.misses.store(0, Ordering::Relaxed);
    }
}
