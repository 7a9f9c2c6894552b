//! The map of keys: many small `DashMap`s, the shards, so that one of them can be locked and copied
//! at a time.
//!
//! Invariants:
//! * a key's shard depends on its bytes alone, so a cursor of `SCAN` stays valid on another node
//!   and after a restart;
//! * no thread locks two shards at a time;
//! * `deadlines` holds each key with a deadline once, except in the middle of a change of that key.
//!   It is derived from the entries, so neither the log nor a snapshot contains it.

use std::convert::Infallible;
use std::hash::BuildHasher;
use std::num::NonZeroU64;

use dashmap::DashMap;
use dashmap::mapref::entry::Entry as Slot;
use dashmap::mapref::one::{Ref, RefMut};

use super::deadlines::Deadlines;
use super::{Entry, Key};

/// The number of shards. A capture copies a whole shard under its lock: with a million documents
/// that is a thousand of them, which takes well under a millisecond.
pub(super) const SHARDS: usize = 1024;

/// The number of locks in a shard: `DashMap` needs at least two.
const LOCKS_PER_SHARD: usize = 2;

/// Fixed, because the meaning of a `SCAN` cursor depends on it. It only assigns keys to shards; the
/// tables inside the shards have random seeds.
const SHARD_SEED: u64 = 0x6a73_6f6e_7661_756c;

const _: () = assert!(SHARDS.is_power_of_two());

pub(super) struct Map {
    shards: Box<[DashMap<Key, Entry, foldhash::fast::RandomState>]>,
    /// One index of deadlines for each shard, so that each stays small and is cleared with its
    /// shard.
    deadlines: Box<[Deadlines]>,
    spread: foldhash::fast::FixedState,
}

impl Map {
    pub fn new() -> Map {
        let shard = |_| {
            DashMap::with_hasher_and_shard_amount(foldhash::fast::RandomState::default(), LOCKS_PER_SHARD)
        };
        Map {
            shards: (0..SHARDS).map(shard).collect(),
            deadlines: (0..SHARDS).map(|_| Deadlines::default()).collect(),
            spread: foldhash::fast::FixedState::with_seed(SHARD_SEED),
        }
    }

    pub fn shard_of(&self, key: &[u8]) -> usize {
        self.spread.hash_one(key) as usize & (SHARDS - 1)
    }

    pub fn get(&self, key: &[u8]) -> Option<Ref<'_, Key, Entry>> {
        self.shards[self.shard_of(key)].get(key)
    }

    /// The entry under `key`, to change its value. Deadlines are changed by [`Map::set_deadline`],
    /// which also maintains their index.
    pub fn get_mut(&self, key: &[u8]) -> Option<RefMut<'_, Key, Entry>> {
        self.shards[self.shard_of(key)].get_mut(key)
    }

    pub fn insert(&self, key: Key, entry: Entry) -> Option<Entry> {
        let (shard, after) = (self.shard_of(key.as_bytes()), entry.expires_ms);
        let deadlines = &self.deadlines[shard];
        match self.shards[shard].entry(key) {
            Slot::Occupied(mut place) => {
                let before = place.insert(entry);
                deadlines.change(place.key(), before.expires_ms, after);
                Some(before)
            }
            Slot::Vacant(place) => {
                deadlines.change(place.insert(entry).key(), None, after);
                None
            }
        }
    }

    pub fn remove(&self, key: &[u8]) -> Option<(Key, Entry)> {
        let shard = self.shard_of(key);
        let (key, entry) = self.shards[shard].remove(key)?;
        self.deadlines[shard].change(&key, entry.expires_ms, None);
        Some((key, entry))
    }

    /// Sets or removes a key's deadline; false if the key does not exist.
    pub fn set_deadline(&self, key: &[u8], expires_ms: Option<NonZeroU64>, version: u64) -> bool {
        let shard = self.shard_of(key);
        let Some(mut entry) = self.shards[shard].get_mut(key) else { return false };
        self.deadlines[shard].change(entry.key(), entry.expires_ms, expires_ms);
        entry.expires_ms = expires_ms;
        entry.version = version;
        true
    }

    /// The number of keys with a deadline.
    pub fn deadlines(&self) -> usize {
        self.deadlines.iter().map(Deadlines::len).sum()
    }

    /// The deadlines of a shard.
    pub fn deadlines_of(&self, shard: usize) -> &Deadlines {
        &self.deadlines[shard]
    }

    /// Removes every key of one shard.
    pub fn clear_shard(&self, shard: usize) {
        self.shards[shard].clear();
        self.shards[shard].shrink_to_fit();
        self.deadlines[shard].clear();
    }

    pub fn len(&self) -> usize {
        self.shards.iter().map(DashMap::len).sum()
    }

    pub fn is_empty(&self) -> bool {
        self.shards.iter().all(DashMap::is_empty)
    }

    pub fn for_each_in_shard(&self, shard: usize, mut visit: impl FnMut(&Key, &Entry)) {
        let Ok(()) = self.try_for_each_in_shard(shard, |key, entry| -> Result<(), Infallible> {
            visit(key, entry);
            Ok(())
        });
    }

    /// Like [`Map::for_each_in_shard`], but ends at the first error and returns it.
    pub fn try_for_each_in_shard<E>(
        &self,
        shard: usize,
        mut visit: impl FnMut(&Key, &Entry) -> Result<(), E>,
    ) -> Result<(), E> {
        self.shards[shard].iter().try_for_each(|entry| visit(entry.key(), entry.value()))
    }
}
