//! An index of the deadlines of one shard of the map, in ascending order.
//!
//! A search for due keys does not touch the other keys. The index holds a second copy of each key
//! that has a deadline, and nothing for keys without one.

use std::collections::BTreeSet;
use std::num::NonZeroU64;

use parking_lot::Mutex;

use super::Key;

#[derive(Debug, Default)]
pub(super) struct Deadlines(Mutex<BTreeSet<(NonZeroU64, Key)>>);

impl Deadlines {
    /// Records that the deadline of `key` changes from `before` to `after`.
    ///
    /// # Panics
    /// If the recorded deadline of the key is not `before`.
    pub fn change(&self, key: &[u8], before: Option<NonZeroU64>, after: Option<NonZeroU64>) {
        // The name of a key without a deadline before and after is not copied.
        if before == after {
            return;
        }
        let mut deadlines = self.0.lock();
        // `BTreeSet` is searched by its element type, so one copy of the name serves both
        // operations.
        let mut name = Key::from(key);
        if let Some(before) = before {
            let known = deadlines.take(&(before, name)).expect("a removed deadline was recorded");
            name = known.1;
        }
        if let Some(after) = after {
            assert!(deadlines.insert((after, name)), "a key has one deadline");
        }
    }

    pub fn len(&self) -> usize {
        self.0.lock().len()
    }

    /// The earliest deadline.
    pub fn first(&self) -> Option<NonZeroU64> {
        self.0.lock().first().map(|(deadline, _)| *deadline)
    }

    pub fn clear(&self) {
        // Frees the memory after the lock is released.
        drop(std::mem::take(&mut *self.0.lock()));
    }

    /// Calls `take` with each key whose deadline is at or before `now_ms`, the earliest first,
    /// until `take` returns false.
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

    /// The due keys, found by looking at every key.
    fn due_by_search(keyspace: &Keyspace, now_ms: u64) -> Vec<Key> {
        let mut due = Vec::new();
        for number in 0..u8::MAX {
            let key = key(number);
            let expired =
                keyspace.map.with(keyspace.map.name(key.as_bytes()), |slot| slot.entry().is_expired(now_ms))
                    == Some(true);
            due.extend(expired.then_some(key));
        }
        due
    }

    proptest! {
        #[test]
        fn the_due_keys_are_found_after_any_sequence_of_writes(
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
                prop_assert_eq!(due, due_by_search(&keyspace, 30));
                let all = keyspace.due(u64::MAX, usize::MAX, usize::MAX).len();
                prop_assert_eq!(keyspace.deadlines(), all);
                let next = (0..50).find(|now_ms| !keyspace.due(*now_ms, 1, 1).is_empty());
                prop_assert_eq!(keyspace.next_deadline(), next);
            }
        }
    }

    #[test]
    fn due_keys_come_in_bounded_pieces_and_expired_keys_are_counted() {
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
        assert_eq!(
            keyspace.due(10, usize::MAX, 0).len(),
            1,
            "the first key is returned even if it exceeds the limit"
        );
        drop(keyspace.begin_entry(false));
        put(0, 10);
        assert_eq!(keyspace.expired(), 0, "an entry that does not count adds no expired key");
        drop(keyspace.begin_entry(true));
        put(1, 10);
        keyspace.writer(Scope::OneKey, ApplyContext { index: 1, now_ms: 10 }).remove(&[2]);
        assert_eq!(keyspace.expired(), 2);
    }
}
