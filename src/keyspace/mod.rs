//! The state in memory: every key with its value, its deadline and its version.
//!
//! A [`View`] reads and has no method that changes anything. A [`Writer`] makes changes; only the
//! machine creates one, for one entry of the log at a time. The map ([`map`]) is divided into
//! shards that can be locked, copied and cleared one at a time. It holds one slot for each key
//! ([`slot`]), most of them packed into one allocation ([`packed`]). The users with their rights
//! are beside the map ([`user_table`]). Three things follow the
//! changes: the index of deadlines ([`deadlines`]), a running snapshot ([`capture`]), and the
//! reports to caching clients and subscribers ([`change_stream`]).
//!
//! There are two locks. The entry lock hides a half-applied entry from readers that must not see
//! it. The multi-key lock hides the effects of a half-done command from commands on several keys. A
//! thread that needs both takes the entry lock first.
//!
//! Invariants:
//! * one writer at a time: only the machine creates one ([`Access::writer`]), and it applies
//!   entries one after the other;
//! * a command on several keys never sees another command half done: it takes the multi-key lock
//!   exclusively, while commands on one key share it;
//! * a version identifies one state of its key: a read with [`Scope::BetweenEntries`] never sees
//!   half an entry;
//! * a read sees one state: no read is answered while a snapshot replaces the state
//!   ([`Keyspace::read_whole`]);
//! * a capture yields the state of the moment at which it began ([`capture`]);
//! * the time of the keyspace is that of the newest applied entry. It never goes back, and no
//!   reader uses an earlier time to decide which keys have expired: a read that sees an entry also
//!   sees everything that had expired by then.
//!
//! Nothing here reads a clock. The caller's time decides which keys have expired: the entry's when
//! applying, the group's when reading.

mod access;
mod capture;
mod change_stream;
mod collection;
mod deadlines;
mod entry;
mod hash;
mod list;
mod map;
mod order;
mod packed;
mod set;
mod slot;
mod sorted_set;
mod user_table;
mod view;
mod walk;
mod writer;

use std::num::NonZeroU64;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use parking_lot::{RwLock, RwLockReadGuard, RwLockWriteGuard};

use crate::acl::Users;
use crate::limits::{Limit, limit};
use change_stream::{CHANGES_BYTES_MAX, CHANGES_MAX};

pub use access::{Access, Alone, BetweenEntries};
pub use capture::{Capture, Record};
pub use change_stream::{ChangeStream, Changes, Class, Event, KeyEvent, Origin};
pub use collection::{COLLECTION_BYTES_MAX, Collection, ELEMENT_BYTES, Element};
pub use entry::{Entry, EntryRef, Key, Value, ValueRef};
pub use hash::Hash;
pub use list::List;
pub use set::Set;
pub use sorted_set::SortedSet;
pub use user_table::UserTable;
pub use view::{Lookups, View};
pub use writer::{ApplyContext, Edited, Writer};

/// The limits of collections and of recorded changes, for `docs/limits.md`.
pub const LIMITS: &[Limit] = &[
    limit!(
        COLLECTION_BYTES_MAX,
        Bytes,
        "A list, set, hash or sorted set",
        "`ERR the collection would be larger than 3221225472 bytes`"
    ),
    limit!(ELEMENT_BYTES, Bytes, "Overhead counted for each element", "Covers its length and score."),
    limit!(
        CHANGES_MAX,
        Count,
        "Changed keys that one log entry reports",
        "Above it, the entry reports no single change, and caching clients are told to drop all keys."
    ),
    limit!(CHANGES_BYTES_MAX, Bytes, "Names of the changed keys", "The same."),
];

/// The exclusive upper bound for the cursors of [`View::scan`].
pub const SCAN_SHARDS: u64 = map::SHARDS as u64;

/// The keyspace of one Raft group.
pub struct Keyspace {
    map: map::Map,
    multi_key_lock: RwLock<()>,
    /// The entry lock, held exclusively while an entry is applied.
    entry: RwLock<()>,
    captures: capture::Captures,
    change_stream: ChangeStream,
    users: UserTable,
    /// The time of the newest applied entry, in Unix milliseconds.
    time_ms: AtomicU64,
    /// The number of keys that were removed or overwritten after their deadline, in entries begun
    /// with `counts`.
    expired: AtomicU64,
    counts_expired: AtomicBool,
    lookups: Lookups,
    /// Incremented when a snapshot begins to replace the state and again when it is complete, so it
    /// is odd in between.
    replaced: AtomicU64,
}

/// Whether a command uses one key, or needs the state of several keys at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    OneKey,
    ManyKeys,
    /// One key, read between two entries. All changes of an entry have the same version, so a
    /// reader of the version has to see either all of them or none.
    BetweenEntries,
}

impl Scope {
    /// The scope of a command with this number of keys.
    pub fn of(keys: usize) -> Scope {
        if keys == 1 { Scope::OneKey } else { Scope::ManyKeys }
    }
}

/// The multi-key lock, held by a command while it runs.
enum Held<'a> {
    Shared {
        _guard: RwLockReadGuard<'a, ()>,
    },
    Alone {
        _guard: RwLockWriteGuard<'a, ()>,
    },
    BetweenEntries {
        _entry: RwLockReadGuard<'a, ()>,
        _guard: RwLockReadGuard<'a, ()>,
    },
    /// The command is part of a transaction, which holds the lock.
    Inside,
}

impl Keyspace {
    pub fn new() -> Keyspace {
        Keyspace {
            map: map::Map::new(),
            multi_key_lock: RwLock::new(()),
            entry: RwLock::new(()),
            captures: capture::Captures::new(),
            change_stream: ChangeStream::default(),
            users: UserTable::default(),
            time_ms: AtomicU64::new(0),
            expired: AtomicU64::new(0),
            counts_expired: AtomicBool::new(false),
            lookups: Lookups::default(),
            replaced: AtomicU64::new(0),
        }
    }

    /// A view at the time `now_ms`, or at the keyspace's time if that is later. Keys whose deadline
    /// has passed by then are absent.
    pub fn view(&self, scope: Scope, now_ms: u64) -> View<'_> {
        self.each().view(scope, now_ms)
    }

    /// A writer for one command of the entry that `context` describes. Only one writer exists at a
    /// time.
    pub fn writer(&self, scope: Scope, context: ApplyContext) -> Writer<'_> {
        self.each().writer(scope, context, Origin::UNNAMED)
    }

    /// The stream of each entry's changes, for one receiver.
    pub fn change_stream(&self) -> &ChangeStream {
        &self.change_stream
    }

    /// The users with their rights.
    pub fn users(&self) -> &UserTable {
        &self.users
    }

    /// Begins an entry, which lasts until the returned guard is dropped. If `counts` is true,
    /// [`Keyspace::expired`] counts the keys that the entry finds expired.
    pub fn begin_entry(&self, counts: bool) -> RwLockWriteGuard<'_, ()> {
        let guard = self.entry.write();
        self.counts_expired.store(counts, Ordering::Relaxed);
        guard
    }

    /// The time of the newest applied entry, in Unix milliseconds; 0 before the first.
    pub fn time_ms(&self) -> u64 {
        self.time_ms.load(Ordering::Acquire)
    }

    /// Advances the keyspace's time to the stamp of an entry or a snapshot if that is later, and
    /// returns the keyspace's time.
    pub fn advance_time(&self, stamp_ms: u64) -> u64 {
        self.time_ms.fetch_max(stamp_ms, Ordering::AcqRel).max(stamp_ms)
    }

    /// The number of keys that writes, and the removal of expired keys, found past their deadline
    /// since the last [`Keyspace::forget_expired`].
    pub fn expired(&self) -> u64 {
        self.expired.load(Ordering::Relaxed)
    }

    /// Resets the count of expired keys.
    pub fn forget_expired(&self) {
        self.expired.store(0, Ordering::Relaxed);
    }

    fn count_expired(&self) {
        if self.counts_expired.load(Ordering::Relaxed) {
            self.expired.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// How many lookups of clients' reads found their key, and how many did not.
    pub fn lookups(&self) -> &Lookups {
        &self.lookups
    }

    /// Estimates which fraction of the keys with a deadline, from 0 to 1, is past it. Looks at
    /// about `keys_max` such keys, from the shard `from` on.
    pub fn stale_share(&self, from: usize, keys_max: usize, now_ms: u64) -> f64 {
        let (mut stale, mut timed) = (0usize, 0usize);
        for shard in (0..map::SHARDS).map(|shard| (from + shard) % map::SHARDS) {
            if timed >= keys_max {
                break;
            }
            self.map.for_each_in_shard(shard, |slot| {
                let entry = slot.entry();
                timed += usize::from(entry.expires_ms.is_some());
                stale += usize::from(entry.is_expired(now_ms));
            });
        }
        stale as f64 / timed.max(1) as f64
    }

    fn hold(&self, scope: Scope) -> Held<'_> {
        match scope {
            // The lock is fair: readers queue behind a waiting multi-key command and cannot starve
            // it. A thread that holds a view must not take another one: the second would queue
            // behind a waiting writer, which waits for the first.
            Scope::OneKey => Held::Shared { _guard: self.multi_key_lock.read() },
            Scope::ManyKeys => Held::Alone { _guard: self.multi_key_lock.write() },
            // Locked in the same order as by an entry, so that the two cannot deadlock.
            Scope::BetweenEntries => {
                let entry = self.entry.read();
                Held::BetweenEntries { _entry: entry, _guard: self.multi_key_lock.read() }
            }
        }
    }

    /// How many keys to touch before the first of them is used: about as many as the processor can
    /// have memory reads under way for, and few enough that all are still in the cache when used.
    pub const TOUCHED_AT_ONCE: usize = 16;

    /// Reads what look-ups of these keys will read, one right after the other, so that the waits
    /// for memory overlap. It changes nothing and counts nothing, so the keys may be guesses.
    pub fn touch<'a>(&self, keys: impl Iterator<Item = &'a [u8]>) {
        keys.for_each(|key| self.map.touch(self.map.name(key)));
    }

    /// The number of keys, including expired ones that have not been removed.
    pub fn len(&self) -> usize {
        self.map.len()
    }

    pub fn is_empty(&self) -> bool {
        self.map.is_empty()
    }

    /// The number of keys with a deadline, passed or not.
    pub fn deadlines(&self) -> usize {
        self.map.deadlines()
    }

    /// The earliest deadline of all keys, in Unix milliseconds.
    pub fn next_deadline(&self) -> Option<u64> {
        let first = |shard| self.map.deadlines_of(shard).first();
        (0..map::SHARDS).filter_map(first).min().map(NonZeroU64::get)
    }

    /// Keys whose deadline has passed at `now_ms`: at most `keys_max` of them, with at most
    /// `bytes_max` bytes in total; a first key above `bytes_max` is returned alone.
    pub fn due(&self, now_ms: u64, keys_max: usize, bytes_max: usize) -> Vec<Key> {
        let (mut found, mut bytes) = (Vec::new(), 0);
        for shard in 0..map::SHARDS {
            self.map.deadlines_of(shard).due(now_ms, |key| {
                bytes += key.as_bytes().len();
                let takes = found.len() < keys_max && (found.is_empty() || bytes <= bytes_max);
                if takes {
                    found.push(key.clone());
                }
                takes
            });
        }
        found
    }

    /// The result of `read`; `None` if a snapshot was replacing the state before or during `read`,
    /// because `read` may then have seen parts of two states.
    pub fn read_whole<T>(&self, read: impl FnOnce() -> T) -> Option<T> {
        let before = self.replaced.load(Ordering::Acquire);
        if !before.is_multiple_of(2) {
            return None;
        }
        let outcome = read();
        // `read` took its locks before, so none of its loads is moved behind this load.
        (self.replaced.load(Ordering::Acquire) == before).then_some(outcome)
    }

    /// Restores one record of a snapshot, either into a keyspace that has no readers yet or after
    /// [`Keyspace::reset`].
    pub fn restore(&self, key: Key, entry: Entry) {
        self.map.insert(self.map.name(key.as_bytes()), entry);
    }

    /// Replaces the users by those of a snapshot. Until then the former ones remain: a node must
    /// not admit everybody while it loads a snapshot.
    pub fn restore_users(&self, users: Users) {
        if *self.users.current() != users {
            self.users.replace(users);
        }
    }

    /// Drops all keys before a snapshot is loaded. Until [`Keyspace::restored`],
    /// [`Keyspace::read_whole`] returns no result.
    pub fn reset(&self) {
        let _held = self.hold(Scope::ManyKeys);
        // After a failed load the counter is odd already.
        if self.replaced.load(Ordering::Acquire).is_multiple_of(2) {
            self.replaced.fetch_add(1, Ordering::AcqRel);
        }
        self.captures.abandon();
        (0..map::SHARDS).for_each(|shard| self.map.clear_shard(shard));
        assert!(self.is_empty(), "every shard was cleared");
    }

    /// Ends the load of a snapshot that holds the state after the entry `index`.
    pub fn restored(&self, index: u64) {
        // The change is reported before the new state can be read.
        self.change_stream.note_everything();
        self.change_stream.hand_out(index);
        let before = self.replaced.fetch_add(1, Ordering::AcqRel);
        assert!(!before.is_multiple_of(2), "reset was called before the load");
    }
}

impl Default for Keyspace {
    fn default() -> Keyspace {
        Keyspace::new()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::time::Duration;

    use super::*;

    #[test]
    fn nothing_is_read_while_a_snapshot_replaces_the_state() {
        let keyspace = Keyspace::new();
        assert_eq!(keyspace.read_whole(|| 1), Some(1));
        assert_eq!(keyspace.read_whole(|| keyspace.reset()), None, "a read across a snapshot has no result");
        assert_eq!(keyspace.read_whole(|| 1), None);
        keyspace.restored(1);
        assert_eq!(keyspace.read_whole(|| 1), Some(1));
    }

    #[test]
    fn a_command_of_many_keys_waits_only_for_commands_before_it() {
        let keyspace = Keyspace::new();
        let order = Mutex::new(Vec::new());
        std::thread::scope(|scope| {
            let before = keyspace.view(Scope::OneKey, 0);
            scope.spawn(|| {
                let _writer = keyspace.writer(Scope::ManyKeys, ApplyContext { index: 1, now_ms: 1 });
                order.lock().unwrap().push("many");
            });
            while keyspace.multi_key_lock.try_read().is_some() {
                std::thread::yield_now();
            }
            scope.spawn(|| {
                let _view = keyspace.view(Scope::OneKey, 0);
                order.lock().unwrap().push("one");
            });
            // Gives the second view the time to overtake the writer, if the lock allows that.
            std::thread::sleep(Duration::from_millis(100));
            drop(before);
        });
        assert_eq!(*order.lock().unwrap(), ["many", "one"]);
    }
}
