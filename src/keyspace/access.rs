//! Access to the keyspace, for a single command or within a transaction that holds all of it.
//!
//! Invariant: a thread takes the multi-key lock at most once. A command inside a transaction takes
//! no lock, because the transaction holds it.

use std::cell::Cell;

use parking_lot::{RwLockReadGuard, RwLockWriteGuard};

use super::{ApplyContext, Held, Keyspace, Origin, Scope, View, Writer};
use crate::json::path::{StepBudget, Steps};

/// Creates views and writers of a keyspace, each holding the locks that it needs.
#[derive(Clone, Copy)]
pub struct Access<'a> {
    keyspace: &'a Keyspace,
    outer: Outer,
    steps: Steps<'a>,
}

/// Locks that the caller holds for longer than an [`Access`] lives.
#[derive(Clone, Copy)]
enum Outer {
    Nothing,
    /// The entry lock: no entry is half applied, and none begins.
    BetweenEntries,
    /// The multi-key lock, exclusively.
    MultiKeyLock,
}

/// The keyspace between two entries: the next entry waits until this guard is dropped.
pub struct BetweenEntries<'a> {
    keyspace: &'a Keyspace,
    _entry: RwLockReadGuard<'a, ()>,
}

/// The whole keyspace, held exclusively by one transaction.
pub struct Alone<'a> {
    keyspace: &'a Keyspace,
    _multi_key_lock: RwLockWriteGuard<'a, ()>,
    /// Held by a transaction that runs outside the log, so that it does not begin in the middle of
    /// an entry.
    _entry: Option<RwLockReadGuard<'a, ()>>,
}

impl Keyspace {
    /// For independent commands: each sees the newest state when it runs.
    pub fn each(&self) -> Access<'_> {
        Access { keyspace: self, outer: Outer::Nothing, steps: Steps::UNLIMITED }
    }

    /// Delays the next entry, for a reader that needs the state and the change events of one
    /// moment.
    pub fn between_entries(&self) -> BetweenEntries<'_> {
        BetweenEntries { keyspace: self, _entry: self.entry.read() }
    }

    /// For a transaction within the entry that is being applied.
    pub fn alone(&self) -> Alone<'_> {
        Alone { keyspace: self, _multi_key_lock: self.multi_key_lock.write(), _entry: None }
    }

    /// For a transaction that only reads, and therefore runs outside the log.
    pub fn alone_between_entries(&self) -> Alone<'_> {
        // Locked in the same order as by an entry, so that the two cannot deadlock.
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
    /// The same access, for a command whose paths take their steps from `steps`, a budget that
    /// other commands may share.
    pub fn within<'b>(self, steps: Steps<'b>) -> Access<'b>
    where
        'a: 'b,
    {
        Access { steps, ..self }
    }

    /// The same access, for a command that takes its steps from `budget` unless it shares a budget
    /// with other commands.
    pub fn within_own<'b>(self, budget: &'b StepBudget) -> Access<'b>
    where
        'a: 'b,
    {
        if self.steps.is_limited() { self } else { self.within(budget.only_command()) }
    }

    /// A view at the time `now_ms`, or at the keyspace's time if that is later. Keys whose deadline
    /// has passed by then are absent.
    pub fn view(self, scope: Scope, now_ms: u64) -> View<'a> {
        let held = Cell::new(Some(self.hold(scope)));
        // The keyspace's time is read after the lock is taken, so that the view's time is not
        // before that of the state in the view.
        let now_ms = now_ms.max(self.keyspace.time_ms());
        View { keyspace: self.keyspace, now_ms, held, counts: false, steps: self.steps }
    }

    /// A view for a client's command: its key lookups are counted as hits and misses.
    pub fn client_view(self, scope: Scope, now_ms: u64) -> View<'a> {
        View { counts: true, ..self.view(scope, now_ms) }
    }

    /// A writer for one command of the entry that `context` describes. Only one writer exists at a
    /// time.
    pub fn writer(self, scope: Scope, context: ApplyContext, origin: Origin) -> Writer<'a> {
        let _held = self.hold(scope);
        let (now_ms, held) = (context.now_ms, Cell::new(None));
        let view = View { keyspace: self.keyspace, now_ms, held, counts: false, steps: self.steps };
        Writer { view, context, origin, _held }
    }

    fn hold(self, scope: Scope) -> Held<'a> {
        match (self.outer, scope) {
            (Outer::Nothing, scope) => self.keyspace.hold(scope),
            // Takes no second read lock on the entry lock: it would queue behind the next entry,
            // which itself waits for the first read lock.
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
            // Waits until the entry waits for its lock. From then on, a second read lock would
            // queue behind it.
            while keyspace.entry.try_read().is_some() {
                std::thread::yield_now();
            }
            assert!(!between_entries.access().view(Scope::BetweenEntries, 1).exists(b"key"));
            drop(between_entries);
        });
    }
}
