//! The map itself: many small `DashMap`s, so that one part can be copied while it is locked.
//!
//! Invariants:
//! * a key's part depends on its bytes alone, so it is the same on every node and after a restart: a cursor of
//!   `SCAN` stays good across both;
//! * nothing holds two parts at a time;
//! * `deadlines` is the number of entries with a deadline, while nothing is being changed.

use std::hash::BuildHasher;
use std::num::NonZeroU64;
use std::sync::atomic::{AtomicUsize, Ordering};

use dashmap::DashMap;
use dashmap::mapref::one::{Ref, RefMut};

use super::{Entry, Key};

/// How many parts there are. A capture copies one while it is locked: of a million documents a part holds a
/// thousand, which takes well under a millisecond.
pub(super) const PARTS: usize = 1024;

/// A part's own locks: `DashMap` allows no fewer than two.
const SHARDS_PER_PART: usize = 2;

/// Chosen once and part of what a `SCAN` cursor means. It only spreads keys over parts; the tables inside have
/// seeds of their own, drawn at random.
const PART_SEED: u64 = 0x6a73_6f6e_7661_756c;

const _: () = assert!(PARTS.is_power_of_two());

pub(super) struct Map {
    parts: Box<[DashMap<Key, Entry, foldhash::fast::RandomState>]>,
    spread: foldhash::fast::FixedState,
    deadlines: AtomicUsize,
}

impl Map {
    pub fn new() -> Map {
        let part = |_| {
            DashMap::with_hasher_and_shard_amount(foldhash::fast::RandomState::default(), SHARDS_PER_PART)
        };
        Map {
            parts: (0..PARTS).map(part).collect(),
            spread: foldhash::fast::FixedState::with_seed(PART_SEED),
            deadlines: AtomicUsize::new(0),
        }
    }

    pub fn part_of(&self, key: &[u8]) -> usize {
        self.spread.hash_one(key) as usize & (PARTS - 1)
    }

    pub fn get(&self, key: &[u8]) -> Option<Ref<'_, Key, Entry>> {
        self.parts[self.part_of(key)].get(key)
    }

    /// For changes of the value; deadlines are changed by [`Map::set_deadline`].
    pub fn get_mut(&self, key: &[u8]) -> Option<RefMut<'_, Key, Entry>> {
        self.parts[self.part_of(key)].get_mut(key)
    }

    pub fn insert(&self, key: Key, entry: Entry) -> Option<Entry> {
        let added = entry.expires_ms.is_some();
        let before = self.parts[self.part_of(key.as_bytes())].insert(key, entry);
        self.count(before.as_ref().is_some_and(|before| before.expires_ms.is_some()), added);
        before
    }

    pub fn remove(&self, key: &[u8]) -> Option<(Key, Entry)> {
        let removed = self.parts[self.part_of(key)].remove(key);
        self.count(removed.as_ref().is_some_and(|(_, entry)| entry.expires_ms.is_some()), false);
        removed
    }

    /// Sets or takes away a key's deadline.
    pub fn set_deadline(&self, key: &[u8], expires_ms: Option<NonZeroU64>, version: u64) -> bool {
        let Some(mut entry) = self.get_mut(key) else { return false };
        self.count(entry.expires_ms.is_some(), expires_ms.is_some());
        entry.expires_ms = expires_ms;
        entry.version = version;
        true
    }

    /// How many keys have a deadline.
    pub fn deadlines(&self) -> usize {
        self.deadlines.load(Ordering::Relaxed)
    }

    fn count(&self, before: bool, after: bool) {
        match (before, after) {
            (false, true) => {
                self.deadlines.fetch_add(1, Ordering::Relaxed);
            }
            (true, false) => {
                let counted = self.deadlines.fetch_sub(1, Ordering::Relaxed);
                assert!(counted > 0, "a deadline that goes was counted");
            }
            _ => {}
        }
    }

    /// Drops every key of one part.
    pub fn clear_part(&self, part: usize) {
        self.parts[part].retain(|_, entry| {
            self.count(entry.expires_ms.is_some(), false);
            false
        });
        self.parts[part].shrink_to_fit();
    }

    pub fn len(&self) -> usize {
        self.parts.iter().map(DashMap::len).sum()
    }

    pub fn is_empty(&self) -> bool {
        self.parts.iter().all(DashMap::is_empty)
    }

    pub fn for_each_in_part(&self, part: usize, mut visit: impl FnMut(&Key, &Entry)) {
        for entry in &self.parts[part] {
            visit(entry.key(), entry.value());
        }
    }
}
