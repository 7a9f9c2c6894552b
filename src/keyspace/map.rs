//! The map of keys: many small `DashMap`s, the shards, so that one of them can be locked and copied
//! at a time.
//!
//! A slot holds its key ([`super::slot`]), so the maps are sets of slots. Their raw tables are used
//! directly, because the set of the crate cannot change its members in place, and because a key is
//! then hashed once for all operations on it ([`Name`]).
//!
//! Invariants:
//! * a key's shard depends on its bytes alone, so a cursor of `SCAN` stays valid on another node
//!   and after a restart;
//! * a slot is in the table and at the hash that the maps' own hasher gives its key;
//! * no thread locks two shards at a time;
//! * `deadlines` holds each key with a deadline once, except in the middle of a change of that key.
//!   It is derived from the entries, so neither the log nor a snapshot contains it.

use std::convert::Infallible;
use std::hash::BuildHasher;
use std::num::NonZeroU64;

use dashmap::{DashMap, SharedValue};

use super::deadlines::Deadlines;
use super::slot::{Former, Slot};
use super::{Entry, EntryRef};

/// The number of shards. A capture copies a whole shard under its lock: with a million documents
/// that is a thousand of them, which takes well under a millisecond.
pub(super) const SHARDS: usize = 1024;

/// The number of locks in a shard: `DashMap` needs at least two.
const LOCKS_PER_SHARD: usize = 2;

/// Fixed, because the meaning of a `SCAN` cursor depends on it. It only assigns keys to shards; the
/// tables inside the shards have random seeds.
const SHARD_SEED: u64 = 0x6a73_6f6e_7661_756c;

const _: () = assert!(SHARDS.is_power_of_two());

type Shard = DashMap<Slot, (), foldhash::fast::RandomState>;

pub(super) struct Map {
    shards: Box<[Shard]>,
    /// One index of deadlines for each shard, so that each stays small and is cleared with its
    /// shard.
    deadlines: Box<[Deadlines]>,
    spread: foldhash::fast::FixedState,
    /// The hasher of the tables of all shards.
    hasher: foldhash::fast::RandomState,
}

/// A key with its hashes.
#[derive(Clone, Copy)]
pub(super) struct Name<'a> {
    pub bytes: &'a [u8],
    pub shard: usize,
    hash: u64,
}

/// The table that holds, or would hold, a name: the lock around it.
macro_rules! table {
    ($map:expr, $name:expr) => {{
        let shard = &$map.shards[$name.shard];
        &shard.shards()[shard.determine_shard($name.hash as usize)]
    }};
}

impl Name<'_> {
    fn is_of(self, slot: &Slot) -> bool {
        slot.key() == self.bytes
    }
}

impl Map {
    pub fn new() -> Map {
        let hasher = foldhash::fast::RandomState::default();
        let shard = |_| DashMap::with_hasher_and_shard_amount(hasher.clone(), LOCKS_PER_SHARD);
        Map {
            shards: (0..SHARDS).map(shard).collect(),
            deadlines: (0..SHARDS).map(|_| Deadlines::default()).collect(),
            spread: foldhash::fast::FixedState::with_seed(SHARD_SEED),
            hasher,
        }
    }

    pub fn name<'a>(&self, bytes: &'a [u8]) -> Name<'a> {
        let shard = self.spread.hash_one(bytes) as usize & (SHARDS - 1);
        Name { bytes, shard, hash: self.hasher.hash_one(bytes) }
    }

    /// Brings what a look-up of the key reads into the processor's cache.
    pub fn touch(&self, name: Name<'_>) {
        let table = table!(self, name).read();
        // The first slot with this hash is taken without a comparison of keys, so that the memory
        // reads of several look-ups overlap.
        let first = table.get(name.hash, |_| true).map(|(slot, _)| slot.touch());
        std::hint::black_box(first);
    }

    /// Calls `with` on the slot of a key while its table is locked for writers; `None` if there is
    /// no such key.
    pub fn with<T>(&self, name: Name<'_>, with: impl FnOnce(&Slot) -> T) -> Option<T> {
        let table = table!(self, name).read();
        table.get(name.hash, |(slot, _)| name.is_of(slot)).map(|(slot, _)| with(slot))
    }

    /// Like [`Map::with`], for changes of the value: the table is locked exclusively.
    /// [`Map::set_deadline`] changes deadlines.
    pub fn with_mut<T>(&self, name: Name<'_>, with: impl FnOnce(&mut Slot) -> T) -> Option<T> {
        let mut table = table!(self, name).write();
        table.get_mut(name.hash, |(slot, _)| name.is_of(slot)).map(|(slot, _)| with(slot))
    }

    /// Puts an entry under a key, and returns what was there.
    pub fn insert(&self, name: Name<'_>, entry: Entry) -> Option<Former> {
        let Ok(former) = self.insert_if(name, |_| Ok::<Entry, Infallible>(entry));
        former
    }

    /// Puts the entry that `decide` returns under a key, and returns what was there. `decide` sees
    /// the former slot; its error leaves everything as it is.
    pub fn insert_if<E>(
        &self,
        name: Name<'_>,
        decide: impl FnOnce(Option<&Slot>) -> Result<Entry, E>,
    ) -> Result<Option<Former>, E> {
        // The former slot, which is dropped after the lock is released.
        let _old;
        let mut table = table!(self, name).write();
        let (former, after) = match table.get_mut(name.hash, |(slot, _)| name.is_of(slot)) {
            Some((slot, _)) => {
                let (former, entry) = (slot.former(), decide(Some(slot))?);
                let after = entry.expires_ms;
                _old = slot.replace(name.bytes, entry);
                (Some(former), after)
            }
            None => {
                let entry = decide(None)?;
                let after = entry.expires_ms;
                let slot = (Slot::new(name.bytes, entry), SharedValue::new(()));
                table.insert(name.hash, slot, |(slot, _)| self.hasher.hash_one(slot.key()));
                (None, after)
            }
        };
        let before = former.and_then(|former| former.expires_ms);
        self.deadlines[name.shard].change(name.bytes, before, after);
        Ok(former)
    }

    pub fn remove(&self, name: Name<'_>) -> Option<Slot> {
        let removed = table!(self, name).write().remove_entry(name.hash, |(slot, _)| name.is_of(slot));
        let (slot, _) = removed?;
        self.deadlines[name.shard].change(name.bytes, slot.former().expires_ms, None);
        Some(slot)
    }

    /// Sets or removes a key's deadline; false if the key does not exist.
    pub fn set_deadline(&self, name: Name<'_>, expires_ms: Option<NonZeroU64>, version: u64) -> bool {
        let set = self.with_mut(name, |slot| {
            self.deadlines[name.shard].change(name.bytes, slot.former().expires_ms, expires_ms);
            slot.set_deadline(expires_ms, version);
        });
        set.is_some()
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

    pub fn for_each_in_shard(&self, shard: usize, mut visit: impl FnMut(&Slot)) {
        self.shards[shard].iter().for_each(|slot| visit(slot.key()));
    }

    /// Calls `visit` with the entries of a shard until the first error.
    pub fn try_for_each_in_shard<E>(
        &self,
        shard: usize,
        mut visit: impl FnMut(&[u8], EntryRef<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        self.shards[shard].iter().try_for_each(|slot| visit(slot.key().key(), slot.key().entry()))
    }
}
