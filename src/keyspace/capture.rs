//! Copies the keyspace as it was at one moment, while writes continue.
//!
//! A capture walks the map shard by shard. The first write to a key in a shard that the walk has
//! not reached keeps the key's *pre-image*, which the walk then takes instead of the current value.
//! A write therefore waits at most while the small values of one shard are copied, and the copy is
//! the state at the beginning of the capture.
//!
//! Invariants:
//! * the walk yields each key once, exactly as it was at [`Keyspace::begin_capture`], and no key
//!   that did not exist then;
//! * one capture at a time;
//! * pre-images exist only for shards that the walk has not reached.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

use super::map::{Map, Name, SHARDS};
use super::slot::Slot;
use super::{Entry, EntryRef, Key, Keyspace};
use crate::acl::Users;

/// A value of at least this size is not copied under the lock of the captures if its clones share
/// memory: only its reference count grows there.
const LARGE_BYTES: usize = 4 << 10;

/// One key of a snapshot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    pub key: Key,
    pub entry: Entry,
}

/// The capture that is running, if any, shared by the writer and the walk.
pub(super) struct Captures {
    /// Read before every change, so that a writer takes no lock while no capture runs.
    ///
    /// Changed only with `state` locked, so that a reader without the lock sees the value that the
    /// last holder of the lock stored.
    running: AtomicBool,
    state: Mutex<Option<ActiveCapture>>,
    begun: AtomicU64,
}

struct ActiveCapture {
    /// The capture's number. It keeps an abandoned capture from walking or ending the next one.
    number: u64,
    /// Shards below this one have been walked.
    walked: usize,
    /// The pre-images by shard; `None` for a key that did not exist.
    before: HashMap<usize, HashMap<Key, Option<Slot>>>,
}

impl Captures {
    pub fn new() -> Captures {
        Captures { running: AtomicBool::new(false), state: Mutex::new(None), begun: AtomicU64::new(0) }
    }

    /// Keeps the pre-image of `key` if a running capture has not reached its shard. Called before
    /// each change.
    pub fn before_change(&self, map: &Map, name: Name<'_>) {
        if !self.running.load(Ordering::Acquire) {
            return;
        }
        if let Some(state) = self.state.lock().as_mut()
            && name.shard >= state.walked
        {
            let before = state.before.entry(name.shard).or_default();
            if !before.contains_key(name.bytes) {
                before.insert(Key::from(name.bytes), map.with(name, Slot::clone));
            }
        }
    }

    /// Keeps the pre-images of a whole shard, before it is cleared.
    pub fn before_clear(&self, map: &Map, shard: usize) {
        if !self.running.load(Ordering::Acquire) {
            return;
        }
        if let Some(state) = self.state.lock().as_mut()
            && shard >= state.walked
        {
            let before = state.before.entry(shard).or_default();
            map.for_each_in_shard(shard, |slot| {
                if !before.contains_key(slot.key()) {
                    before.insert(Key::from(slot.key()), Some(slot.clone()));
                }
            });
        }
    }

    /// Ends the running capture, if any, because the state that it walks has been dropped.
    pub fn abandon(&self) {
        self.end(&mut self.state.lock());
    }

    fn end(&self, state: &mut Option<ActiveCapture>) {
        *state = None;
        self.running.store(false, Ordering::Release);
    }
}

/// Walks over the state at the moment when it was created. Dropping it ends the capture.
pub struct Capture {
    keyspace: Arc<Keyspace>,
    number: u64,
    time_ms: u64,
    users: Arc<Users>,
}

impl Keyspace {
    /// Begins a capture of the current state; `None` while another capture runs. The caller must
    /// hold back writes during the call, which takes constant time; the machine calls it between
    /// two entries.
    pub fn begin_capture(self: &Arc<Keyspace>) -> Option<Capture> {
        let mut state = self.captures.state.lock();
        if state.is_some() {
            return None;
        }
        let number = self.captures.begun.fetch_add(1, Ordering::Relaxed);
        *state = Some(ActiveCapture { number, walked: 0, before: HashMap::new() });
        self.captures.running.store(true, Ordering::Release);
        drop(state);
        Some(Capture { keyspace: self.clone(), number, time_ms: self.time_ms(), users: self.users.current() })
    }
}

#[cfg(feature = "testkit")]
impl Keyspace {
    /// Makes later writes keep no pre-images for the running capture: a defect that the simulation
    /// plants, and has to find.
    pub fn lose_pre_images(&self) {
        self.captures.running.store(false, Ordering::Release);
    }
}

impl Capture {
    /// The keyspace's time when the capture began.
    pub fn time_ms(&self) -> u64 {
        self.time_ms
    }

    /// The users when the capture began.
    pub fn users(&self) -> &Users {
        &self.users
    }

    /// Calls `take` on each record of the next shard. Returns `false` once all shards are done or
    /// the capture was abandoned.
    ///
    /// Writes wait while `take` runs on small values, so `take` must only copy them. Encoding a
    /// large collection or document may take seconds, so under the lock only a reference to the
    /// value is kept, and `take` gets the value afterwards. Until then, a write to the value first
    /// copies it.
    pub fn next_shard(&mut self, mut take: impl FnMut(&[u8], EntryRef<'_>)) -> bool {
        let captures = &self.keyspace.captures;
        let mut guard = captures.state.lock();
        let own = |state: &&mut ActiveCapture| state.number == self.number && state.walked < SHARDS;
        let Some(state) = guard.as_mut().filter(own) else { return false };
        let shard = state.walked;
        let before = state.before.remove(&shard).unwrap_or_default();
        let mut large = Vec::new();
        self.keyspace.map.for_each_in_shard(shard, |slot| {
            if before.contains_key(slot.key()) {
                return;
            }
            if slot.is_shared_by_clones() && slot.entry().value.memory_bytes() >= LARGE_BYTES {
                large.push(slot.clone());
            } else {
                take(slot.key(), slot.entry());
            }
        });
        state.walked += 1;
        assert!(
            state.before.keys().all(|&kept| kept > shard),
            "pre-images exist only for shards that the walk has not reached"
        );
        drop(guard);
        let before = before.into_values().flatten();
        // The references are dropped one by one: a write has to copy a large value only until that
        // value has been taken.
        before.chain(large).for_each(|slot| take(slot.key(), slot.entry()));
        true
    }

    /// Whether every shard has been walked. A capture that was abandoned is never complete.
    pub fn is_complete(&self) -> bool {
        let state = self.keyspace.captures.state.lock();
        state.as_ref().is_some_and(|state| state.number == self.number && state.walked == SHARDS)
    }
}

impl Drop for Capture {
    fn drop(&mut self) {
        let captures = &self.keyspace.captures;
        let mut state = captures.state.lock();
        if state.as_ref().is_some_and(|state| state.number == self.number) {
            captures.end(&mut state);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keyspace::{ApplyContext, Collection, Edited, Element, List, Scope, Value, ValueRef};

    fn text(text: &str) -> Value {
        Value::Text(text.as_bytes().into())
    }

    fn put(keyspace: &Keyspace, key: &str, value: &str, index: u64) {
        keyspace
            .writer(Scope::OneKey, ApplyContext { index, now_ms: 1 })
            .replace(Key::from(key.as_bytes()), text(value));
    }

    #[test]
    fn an_abandoned_capture_leaves_its_successor_alone() {
        let keyspace = Arc::new(Keyspace::new());
        put(&keyspace, "key", "first", 1);
        let mut abandoned = keyspace.begin_capture().expect("no other capture runs");
        keyspace.reset();
        keyspace.restored(1);
        put(&keyspace, "key", "second", 2);
        let mut capture = keyspace.begin_capture().expect("the older capture was abandoned");
        assert!(!abandoned.next_shard(|_, _| panic!("an abandoned capture walks nothing")));
        assert!(!abandoned.is_complete());
        drop(abandoned);
        put(&keyspace, "key", "third", 3);
        let mut seen = Vec::new();
        while capture.next_shard(|_, entry| seen.push(format!("{:?}", entry.value))) {}
        assert!(capture.is_complete());
        assert_eq!(seen, [format!("{:?}", text("second").borrowed())]);
    }

    #[test]
    fn writes_go_on_while_a_large_collection_is_saved() {
        let keyspace = Arc::new(Keyspace::new());
        let element = |number: u64| Element::from(number.to_string().as_bytes());
        let push = |index: u64, number: u64| {
            let context = ApplyContext { index, now_ms: 1 };
            let mut writer = keyspace.writer(Scope::OneKey, context);
            writer.edit_or_begin(Key::from(&b"list"[..]), |list: &mut List| {
                list.push_back(element(number));
                Ok(Edited::Changed(()))
            })
        };
        (0..1000).for_each(|number| push(number + 1, number).expect("there is room"));
        put(&keyspace, "small", "value", 2000);
        let mut capture = keyspace.begin_capture().expect("no other capture runs");
        let mut seen = HashMap::new();
        while capture.next_shard(|key, entry| {
            let is_large = key == b"list";
            assert_eq!(
                keyspace.captures.state.try_lock().is_some(),
                is_large,
                "only a large value is taken while writes go on"
            );
            if is_large {
                push(3000, 1000).expect("there is room");
            }
            if let ValueRef::List(list) = entry.value {
                assert_eq!(
                    (list.len(), list.get(1000)),
                    (1000, None),
                    "the list is as it was when the capture began"
                );
            }
            seen.insert(Key::from(key), entry.value.type_name());
        }) {}
        assert!(capture.is_complete());
        assert_eq!(seen[&b"list"[..]], "list");
        assert_eq!(seen.len(), 2);
    }

    #[test]
    fn a_capture_saves_the_moment_it_began() {
        let keyspace = Arc::new(Keyspace::new());
        for number in 0..500 {
            put(&keyspace, &format!("old{number}"), "before", number + 1);
        }
        let mut capture = keyspace.begin_capture().expect("no other capture runs");
        assert!(keyspace.begin_capture().is_none());
        let mut seen = HashMap::new();
        let mut step = 0;
        while capture.next_shard(|key, entry| {
            let ValueRef::Text(text) = entry.value else { panic!("texts were put") };
            assert!(seen.insert(Key::from(key), text.to_vec()).is_none(), "{key:?} is seen once");
        }) {
            step += 1;
            put(&keyspace, &format!("old{}", step % 500), "after", 1000 + step);
            put(&keyspace, &format!("new{step}"), "after", 1000 + step);
            keyspace
                .writer(Scope::OneKey, ApplyContext { index: 5000, now_ms: 1 })
                .remove(format!("old{}", (step * 7) % 500).as_bytes());
            if step == 700 {
                keyspace.writer(Scope::ManyKeys, ApplyContext { index: 6000, now_ms: 1 }).clear();
            }
        }
        assert!(capture.is_complete());
        assert_eq!(seen.len(), 500);
        assert!(seen.values().all(|text| text == b"before"));
    }
}
