//! Access to the keyspace, for a single command or within a transaction that holds all of it.
//!
//! Invariant: a thread takes the multi-key lock at most once. A command inside a transaction takes
//! no lock, because the transaction holds it.

use std::cell::Cell;

use parking_lot::{RwLockReadGuard, RwLockWriteGuard};

use super::{ApplyContext, Held, Keyspace, Origin, Scope, View, Writer};
use crate::json::path::{StepBudget, Steps};

/// Makes views and writers of a keyspace, each with the locks that it needs.
#[derive(Clone, Copy)]
pub struct Access<'a> {
    keyspace: &'a Keyspace,
    outer: Outer,
    steps: Steps<'a>,
}

/// What the caller holds for longer than an [`Access`] lives.
#[derive(Clone, Copy)]
enum Outer {
    Nothing,
    /// The entry lock: no entry is half applied, and none begins.
    BetweenEntries,
    /// The multi-key lock, exclusively.
    MultiKeyLock,
}

/// The keyspace between two entries: no entry is applied until this is dropped.
pub struct BetweenEntries<'a> {
    keyspace: &'a Keyspace,
    _entry: RwLockReadGuard<'a, ()>,
}

/// The whole keyspace, held exclusively by one transaction.
pub struct Alone<'a> {
    keyspace: &'a Keyspace,
    _multi_key_lock: RwLockWriteGuard<'a, ()>,
    /// For a transaction that is not applied from the log and must not begin in the middle of an
    /// entry.
    _entry: Option<RwLockReadGuard<'a, ()>>,
}

impl Keyspace {
    /// For independent commands: each sees the state of the moment at which it runs.
    pub fn each(&self) -> Access<'_> {
        Access { keyspace: self, outer: Outer::Nothing, steps: Steps::UNLIMITED }
    }

    /// Delays the next entry, for a reader that needs the state and the change events of one
    /// moment.
    pub fn between_entries(&self) -> BetweenEntries<'_> {
        BetweenEntries { keyspace: self, _entry: self.entry.read() }
    }

    /// For a transaction in the entry that is being applied.
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

    /// A reader that judges deadlines by `now_ms` or by the keyspace's time, whichever is later.
    pub fn view(self, scope: Scope, now_ms: u64) -> View<'a> {
        let held = Cell::new(Some(self.hold(scope)));
        // Read after the lock is taken, so that the state which the view sees is not of a later
        // time.
        let now_ms = now_ms.max(self.keyspace.time_ms());
        View { keyspace: self.keyspace, now_ms, held, counts: false, steps: self.steps }
    }

    /// The reader of a client's command: it counts the keys that it finds and misses.
    pub fn client_view(self, scope: Scope, now_ms: u64) -> View<'a> {
        View { counts: true, ..self.view(scope, now_ms) }
    }

    /// The one writer, for one command of the entry that `context` describes.
    pub fn writer(self, scope: Scope, context: ApplyContext, origin: Origin) -> Writer<'a> {
        let _held = self.hold(scope);
        let (now_ms, held) = (context.now_ms, Cell::new(None));
        let view = View { keyspace: self.keyspace, now_ms, held, counts: false, steps: self.steps };
        Writer { view, context, origin, _held }
    }

    fn hold(self, scope: Scope) -> Held<'a> {
        match (self.outer, scope) {
            (Outer::Nothing, scope) => self.keyspace.hold(scope),
            // A second read lock would wait behind the entry, which waits for the first one.
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
        assert!(keyspace.multi_key_lock.try_read().is_none(), "the transaction holds the lock");
        drop(alone);
        assert!(keyspace.multi_key_lock.try_read().is_some());
    }

    #[test]
    fn no_entry_is_applied_while_a_reader_is_between_entries() {
        let keyspace = Keyspace::new();
        let between_entries = keyspace.between_entries();
        std::thread::scope(|scope| {
            scope.spawn(|| drop(keyspace.begin_entry(true)));
            // The entry waits by now; taking the lock a second time would wait behind it.
            while keyspace.entry.try_read().is_some() {
                std::thread::yield_now();
            }
            assert!(!between_entries.access().view(Scope::BetweenEntries, 1).exists(b"key"));
            drop(between_entries);
        });
    }
}
