//! The deadlines of one part of the map, in the order in which they pass.
//!
//! Finding what is due costs nothing for the keys that are not. A key with a deadline is named here a second time, which
//! takes its length and about 50 bytes; one without takes nothing.

use std::collections::BTreeSet;
use std::num::NonZeroU64;

use parking_lot::Mutex;

use super::Key;

#[derive(Debug, Default)]
pub(super) struct Deadlines(Mutex<BTreeSet<(NonZeroU64, Key)>>);

impl Deadlines {
    /// Takes note that the deadline of a key becomes another.
    ///
    /// # Panics
    /// If the key did not have that deadline before.
    pub fn change(&self, key: &Key, before: Option<NonZeroU64>, after: Option<NonZeroU64>) {
        if before.is_none() && after.is_none() {
            return;
        }
        let mut deadlines = self.0.lock();
        // A set is searched by what it holds, so the name moves from one place to the other.
        let mut name = key.clone();
        if let Some(before) = before {
            let known = deadlines.take(&(before, name)).expect("a deadline that goes was known");
            name = known.1;
        }
        if let Some(after) = after {
            assert!(deadlines.insert((after, name)), "a key has one deadline");
        }
    }

    pub fn len(&self) -> usize {
        self.0.lock().len()
    }

    pub fn clear(&self) {
        // Dropped without the lock.
        drop(std::mem::take(&mut *self.0.lock()));
    }

    /// Calls `take` with each key whose deadline is at or before `now_ms`, the earliest first, while it wants more.
    pub fn due(&self, now_ms: u64, mut take: impl FnMut(&Key) -> bool) {
        let deadlines = self.0.lock();
        for (deadline, key) in deadlines.iter() {
            if deadline.get() > now_ms || !take(key) {
                return;
            }
        }
    }
}
