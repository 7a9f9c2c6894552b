//! The deadlines of one shard of the map, in the order in which they pass.
//!
//! Finding what is due costs nothing for the keys that are not. A key with a deadline is named here
//! a second time; one without takes nothing.

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
        // Most keys have none, and cost no copy of their name.
        if before == after {
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

    /// Calls `take` with each key whose deadline is at or before `now_ms`, the earliest first,
    /// while it wants more.
    pub fn due(&self, now_ms: u64, mut take: impl FnMut(&Key) -> bool) {
        let deadlines = self.0.lock();
        for (deadline, key) in deadlines.iter() {
            if deadline.get() > now_ms || !take(key) {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU64;

    use proptest::prelude::*;

    use crate::keyspace::{ApplyContext, Key, Keyspace, Scope, Value};

    fn key(number: u8) -> Key {
        Key::from(&[number][..])
    }

    /// What is due, by looking at every key.
    fn looked_for(keyspace: &Keyspace, now_ms: u64) -> Vec<Key> {
        let mut due = Vec::new();
        for number in 0..u8::MAX {
            let key = key(number);
            let expired = keyspace.map.get(key.as_bytes()).is_some_and(|entry| entry.is_expired(now_ms));
            due.extend(expired.then_some(key));
        }
        due
    }

    proptest! {
        #[test]
        fn whatever_is_done_the_keys_that_are_due_are_found(
            steps in proptest::collection::vec((0..6u8, 0..20u8, 0..50u64), 0..200)
        ) {
            let keyspace = Keyspace::new();
            for (index, (what, number, deadline)) in steps.into_iter().enumerate() {
                let context = ApplyContext { index: index as u64, now_ms: 20 };
                let mut writer = keyspace.writer(Scope::ManyKeys, context);
                let (key, deadline) = (key(number), NonZeroU64::new(deadline));
                let value = Value::Text(b"value"[..].into());
                match what {
                    0 => writer.put(key, value, deadline),
                    1 => drop(writer.remove(key.as_bytes())),
                    2 => drop(writer.set_deadline(key.as_bytes(), deadline)),
                    3 => writer.put_keeping_deadline(key, value),
                    4 => drop(writer.remove_if_expired(key.as_bytes())),
                    _ if number == 0 => writer.clear(),
                    _ => {}
                }
                drop(writer);
                let mut due = keyspace.due(30, usize::MAX, usize::MAX);
                due.sort();
                prop_assert_eq!(due, looked_for(&keyspace, 30));
                let all = keyspace.due(u64::MAX, usize::MAX, usize::MAX).len();
                prop_assert_eq!(keyspace.deadlines(), all);
            }
        }
    }

    #[test]
    fn what_is_due_is_cut_into_bounded_pieces_and_what_is_found_expired_is_counted() {
        let keyspace = Keyspace::new();
        let put = |number: u8, now_ms: u64| {
            let context = ApplyContext { index: 1, now_ms };
            let value = Value::Text(b"value"[..].into());
            keyspace.writer(Scope::OneKey, context).put(key(number), value, NonZeroU64::new(10));
        };
        (0..100).for_each(|number| put(number, 1));
        assert_eq!(keyspace.due(9, usize::MAX, usize::MAX), []);
        assert_eq!(keyspace.due(10, 30, usize::MAX).len(), 30);
        assert_eq!(keyspace.due(10, usize::MAX, 25).len(), 25);
        assert_eq!(keyspace.due(10, usize::MAX, 0).len(), 1, "one always goes");
        drop(keyspace.begin_entry(false));
        put(0, 10);
        assert_eq!(keyspace.expired(), 0, "nobody waits for the entry");
        drop(keyspace.begin_entry(true));
        put(1, 10);
        keyspace.writer(Scope::OneKey, ApplyContext { index: 1, now_ms: 10 }).remove(&[2]);
        assert_eq!(keyspace.expired(), 2);
    }
}
