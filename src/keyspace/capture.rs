//! Saving the state of one moment while writes go on.
//!
//! A capture walks the map part by part. The first write to a key of a part that has not been walked yet leaves
//! the key's *pre-image* behind; the walk takes it in place of what it finds. So a write waits at most for one part
//! to be copied, and the copy is of the moment the capture began.
//!
//! Invariants:
//! * between [`Keyspace::begin_capture`] and the end of the walk, each key is saved exactly as it was at the
//!   beginning, or not at all if it was not there;
//! * one capture at a time;
//! * pre-images are kept for parts still to be walked only.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

use super::map::{Map, PARTS};
use super::{Entry, Key, Keyspace};

/// One key of a snapshot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    pub key: Key,
    pub entry: Entry,
}

/// What the writer and a running capture share.
pub(super) struct Shared {
    /// Read by the writer before every change, so that no lock is taken while nothing is captured.
    ///
    /// Changed only with `state` locked: seen without the lock, it is never behind what the lock's last holder left.
    running: AtomicBool,
    state: Mutex<Option<State>>,
    begun: AtomicU64,
}

struct State {
    /// Which capture this is of: one that was abandoned must not walk or end its successor.
    number: u64,
    /// Parts below this one have been walked.
    walked: usize,
    /// What keys held when the capture began, by part; `None` for a key that was not there.
    before: HashMap<usize, HashMap<Key, Option<Entry>>>,
}

impl Shared {
    pub fn new() -> Shared {
        Shared { running: AtomicBool::new(false), state: Mutex::new(None), begun: AtomicU64::new(0) }
    }

    /// Keeps what `key` holds now, if a capture still has to see it. To be called before each change.
    pub fn before_change(&self, map: &Map, key: &[u8]) {
        if !self.running.load(Ordering::Acquire) {
            return;
        }
        let part = map.part_of(key);
        if let Some(state) = self.state.lock().as_mut()
            && part >= state.walked
        {
            let before = state.before.entry(part).or_default();
            if !before.contains_key(key) {
                before.insert(Key::from(key), map.get(key).map(|entry| entry.clone()));
            }
        }
    }

    /// Keeps what a whole part holds, before it is cleared.
    pub fn before_clear(&self, map: &Map, part: usize) {
        if !self.running.load(Ordering::Acquire) {
            return;
        }
        if let Some(state) = self.state.lock().as_mut()
            && part >= state.walked
        {
            let before = state.before.entry(part).or_default();
            map.for_each_in_part(part, |key, entry| {
                if !before.contains_key(key.as_bytes()) {
                    before.insert(key.clone(), Some(entry.clone()));
                }
            });
        }
    }

    /// Ends whatever capture runs: its state is gone.
    pub fn abandon(&self) {
        self.end(&mut self.state.lock());
    }

    fn end(&self, state: &mut Option<State>) {
        *state = None;
        self.running.store(false, Ordering::Release);
    }
}

/// A walk over the state of the moment it began. Dropping it ends it.
pub struct Capture {
    keyspace: Arc<Keyspace>,
    number: u64,
    time_ms: u64,
}

impl Keyspace {
    /// Begins a capture of the state as it is now; `None` while another one runs. The caller has to hold back
    /// writes for the length of this call, which is short; the machine calls it between two entries.
    pub fn begin_capture(self: &Arc<Keyspace>) -> Option<Capture> {
        let mut state = self.capturing.state.lock();
        if state.is_some() {
            return None;
        }
        let number = self.capturing.begun.fetch_add(1, Ordering::Relaxed);
        *state = Some(State { number, walked: 0, before: HashMap::new() });
        self.capturing.running.store(true, Ordering::Release);
        drop(state);
        Some(Capture { keyspace: self.clone(), number, time_ms: self.time_ms() })
    }
}

impl Capture {
    /// The keyspace's time when it began.
    pub fn time_ms(&self) -> u64 {
        self.time_ms
    }

    /// Calls `take` on each record of the next part; `false` when all parts are done or the capture was abandoned.
    ///
    /// Writes wait while `take` runs: it must only copy.
    pub fn next_part(&mut self, mut take: impl FnMut(&Key, &Entry)) -> bool {
        let shared = &self.keyspace.capturing;
        let mut guard = shared.state.lock();
        let own = |state: &&mut State| state.number == self.number && state.walked < PARTS;
        let Some(state) = guard.as_mut().filter(own) else { return false };
        let part = state.walked;
        let before = state.before.remove(&part).unwrap_or_default();
        self.keyspace.map.for_each_in_part(part, |key, entry| {
            if !before.contains_key(key.as_bytes()) {
                take(key, entry);
            }
        });
        for (key, entry) in &before {
            if let Some(entry) = entry {
                take(key, entry);
            }
        }
        state.walked += 1;
        assert!(state.before.keys().all(|&kept| kept > part), "pre-images are of parts still to be walked");
        true
    }

    /// Whether every part has been walked. A capture that was abandoned is never complete.
    pub fn is_complete(&self) -> bool {
        let state = self.keyspace.capturing.state.lock();
        state.as_ref().is_some_and(|state| state.number == self.number && state.walked == PARTS)
    }
}

impl Drop for Capture {
    fn drop(&mut self) {
        let shared = &self.keyspace.capturing;
        let mut state = shared.state.lock();
        if state.as_ref().is_some_and(|state| state.number == self.number) {
            shared.end(&mut state);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keyspace::{ApplyContext, Scope, Value};

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
        let mut capture = keyspace.begin_capture().expect("the other was abandoned");
        assert!(!abandoned.next_part(|_, _| panic!("it walks its successor's state")));
        assert!(!abandoned.is_complete());
        drop(abandoned);
        put(&keyspace, "key", "third", 3);
        let mut seen = Vec::new();
        while capture.next_part(|_, entry| seen.push(entry.value.clone())) {}
        assert!(capture.is_complete());
        assert_eq!(seen, [text("second")]);
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
        while capture.next_part(|key, entry| {
            assert!(seen.insert(key.clone(), entry.clone()).is_none(), "{key:?} twice");
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
        assert!(seen.values().all(|entry| entry.value == text("before")));
    }
}
