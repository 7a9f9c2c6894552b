//! How a command comes to the keyspace: by itself, or inside a transaction that holds all of it.
//!
//! Invariant: the multi-key lock is taken once on a thread. A command inside a transaction takes
//! nothing: the transaction has it.

use std::cell::Cell;

use parking_lot::{RwLockReadGuard, RwLockWriteGuard};

use super::{ApplyContext, Held, Keyspace, Origin, Scope, View, Writer};
use crate::json::path::{StepBudget, Steps};

/// The way to a keyspace. Views and writers come from it, each with what it has to hold.
#[derive(Clone, Copy)]
pub struct Access<'a> {
    keyspace: &'a Keyspace,
    outer: Outer,
    steps: Steps<'a>,
}

/// What somebody who outlives an [`Access`] holds.
#[derive(Clone, Copy)]
enum Outer {
    Nothing,
    /// No entry is half applied, and none begins.
    BetweenEntries,
    /// The multi-key lock, alone.
    MultiKeyLock,
}

/// The keyspace between two entries: until this is dropped no entry is applied.
pub struct BetweenEntries<'a> {
    keyspace: &'a Keyspace,
    _entry: RwLockReadGuard<'a, ()>,
}

/// The whole keyspace, held by one transaction.
pub struct Alone<'a> {
    keyspace: &'a Keyspace,
    _multi_key_lock: RwLockWriteGuard<'a, ()>,
    /// For one that is not applied from the log: it must not begin in the middle of an entry.
    _entry: Option<RwLockReadGuard<'a, ()>>,
}

impl Keyspace {
    /// For commands of which each sees the state of its own moment.
    pub fn each(&self) -> Access<'_> {
        Access { keyspace: self, outer: Outer::Nothing, steps: Steps::UNLIMITED }
    }

    /// Holds back the next entry, for somebody who has to see the state and what was told of it at
    /// one moment.
    pub fn between_entries(&self) -> BetweenEntries<'_> {
        BetweenEntries { keyspace: self, _entry: self.entry.read() }
    }

    /// For a transaction within the entry that is being applied.
    pub fn alone(&self) -> Alone<'_> {
        Alone { keyspace: self, _multi_key_lock: self.multi_key_lock.write(), _entry: None }
    }

    /// For a transaction that only reads, beside the log.
    pub fn alone_between_entries(&self) -> Alone<'_> {
        // In the order in which an entry takes them.
        let entry = self.entry.read();
        Alone { keyspace: self, _multi_key_lock: self.multi_key_lock.write(), _entry: Some(entry) }
    }
}

impl Alone<'_> {
    pub fn access(&self) -> Access<'_> {
        Access { keyspace: self.keyspace, outer: Outer::MultiKeyLock, steps: Steps::UNLIMITED }
    }
}

impl BetweenEntries<'_> {
    pub fn access(&self) -> Access<'_> {
        Access { keyspace: self.keyspace, outer: Outer::BetweenEntries, steps: Steps::UNLIMITED }
    }
}

impl<'a> Access<'a> {
    /// The same for a command whose paths take their steps from a budget that it may share.
    pub fn within<'b>(self, steps: Steps<'b>) -> Access<'b>
    where
        'a: 'b,
    {
        Access { steps, ..self }
    }

    /// The same for a command that has a budget of its own, unless others share one with it.
    pub fn within_own<'b>(self, budget: &'b StepBudget) -> Access<'b>
    where
        'a: 'b,
    {
        if self.steps.is_limited() { self } else { self.within(budget.only_command()) }
    }

    /// A reader, for which a deadline at or before `now_ms` has passed, or at or before the
    /// keyspace's own time.
    pub fn view(self, scope: Scope, now_ms: u64) -> View<'a> {
        let held = Cell::new(Some(self.hold(scope)));
        // After the multi-key lock: what it sees is of no later time than this.
        let now_ms = now_ms.max(self.keyspace.time_ms());
        View { keyspace: self.keyspace, now_ms, held, counts: false, steps: self.steps }
    }

    /// The reader of a client's command: the keys that it finds and misses are counted.
    pub fn client_view(self, scope: Scope, now_ms: u64) -> View<'a> {
        View { counts: true, ..self.view(scope, now_ms) }
    }

    /// The one writer, for one command of the entry that `stamp` belongs to.
    pub fn writer(self, scope: Scope, context: ApplyContext, origin: Origin) -> Writer<'a> {
        let _held = self.hold(scope);
        let (now_ms, held) = (context.now_ms, Cell::new(None));
        let view = View { keyspace: self.keyspace, now_ms, held, counts: false, steps: self.steps };
        Writer { view, context, origin, _held }
    }

    fn hold(self, scope: Scope) -> Held<'a> {
        match (self.outer, scope) {
            (Outer::Nothing, scope) => self.keyspace.hold(scope),
            // A second hold on the entry would wait for the entry that waits for the first.
            (Outer::BetweenEntries, Scope::BetweenEntries) => self.keyspace.hold(Scope::OneKey),
            (Outer::BetweenEntries, scope) => self.keyspace.hold(scope),
            (Outer::MultiKeyLock, _) => Held::Inside,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keyspace::{Key, Value};

    #[test]
    fn commands_inside_a_transaction_take_no_lock_of_their_own() {
        let keyspace = Keyspace::new();
        let alone = keyspace.alone();
        let context = ApplyContext { index: 1, now_ms: 1 };
        let mut writer = alone.access().writer(Scope::ManyKeys, context, Origin::UNNAMED);
        writer.replace(Key::from(&b"key"[..]), Value::Text(b"value"[..].into()));
        drop(writer);
        assert!(alone.access().view(Scope::BetweenEntries, 1).exists(b"key"));
        assert!(keyspace.multi_key_lock.try_read().is_none(), "nobody else comes in");
        drop(alone);
        assert!(keyspace.multi_key_lock.try_read().is_some());
    }

    #[test]
    fn no_entry_is_applied_while_the_keyspace_is_settled() {
        let keyspace = Keyspace::new();
        let between_entries = keyspace.between_entries();
        std::thread::scope(|scope| {
            scope.spawn(|| drop(keyspace.begin_entry(true)));
            // The entry waits by now: a second hold would wait behind it.
            while keyspace.entry.try_read().is_some() {
                std::thread::yield_now();
            }
            assert!(!between_entries.access().view(Scope::BetweenEntries, 1).exists(b"key"));
            drop(between_entries);
        });
    }
}
