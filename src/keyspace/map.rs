//! The map itself: many small `DashMap`s, so that one part can be copied while it is locked.
//!
//! Invariants:
//! * a key's part depends on its bytes alone, so it is the same on every node and after a restart: a cursor of
//!   `SCAN` stays good across both;
//! * nothing holds two parts at a time;
//! * `deadlines` names each entry that has a deadline, once, while nothing is being changed; it is derived from the
//!   entries, so neither the log nor a snapshot has it.

use std::hash::BuildHasher;
use std::num::NonZeroU64;

use dashmap::DashMap;
use dashmap::mapref::entry::Entry as Place;
use dashmap::mapref::one::{Ref, RefMut};

use super::deadlines::Deadlines;
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
    /// One for each part, so that each stays small and a part is cleared at once.
    deadlines: Box<[Deadlines]>,
    spread: foldhash::fast::FixedState,
}

impl Map {
    pub fn new() -> Map {
        let part = |_| {
            DashMap::with_hasher_and_shard_amount(foldhash::fast::RandomState::default(), SHARDS_PER_PART)
        };
        Map {
            parts: (0..PARTS).map(part).collect(),
            deadlines: (0..PARTS).map(|_| Deadlines::default()).collect(),
            spread: foldhash::fast::FixedState::with_seed(PART_SEED),
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
        let (part, after) = (self.part_of(key.as_bytes()), entry.expires_ms);
        let deadlines = &self.deadlines[part];
        match self.parts[part].entry(key) {
            Place::Occupied(mut place) => {
                let before = place.insert(entry);
                deadlines.change(place.key(), before.expires_ms, after);
                Some(before)
            }
            Place::Vacant(place) => {
                deadlines.change(place.insert(entry).key(), None, after);
                None
            }
        }
    }

    pub fn remove(&self, key: &[u8]) -> Option<(Key, Entry)> {
        let part = self.part_of(key);
        let (key, entry) = self.parts[part].remove(key)?;
        self.deadlines[part].change(&key, entry.expires_ms, None);
        Some((key, entry))
    }

    /// Sets or takes away a key's deadline.
    pub fn set_deadline(&self, key: &[u8], expires_ms: Option<NonZeroU64>, version: u64) -> bool {
        let part = self.part_of(key);
        let Some(mut entry) = self.parts[part].get_mut(key) else { return false };
        self.deadlines[part].change(entry.key(), entry.expires_ms, expires_ms);
        entry.expires_ms = expires_ms;
        entry.version = version;
        true
    }

    /// How many keys have a deadline.
    pub fn deadlines(&self) -> usize {
        self.deadlines.iter().map(Deadlines::len).sum()
    }

    /// The deadlines of a part.
    pub fn deadlines_of(&self, part: usize) -> &Deadlines {
        &self.deadlines[part]
    }

    /// Drops every key of one part.
    pub fn clear_part(&self, part: usize) {
        self.parts[part].clear();
        self.parts[part].shrink_to_fit();
        self.deadlines[part].clear();
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
