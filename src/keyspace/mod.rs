//! The state in memory: every key with its value, its deadline and its version.
//!
//! A [`View`] reads and has no method that changes anything; a [`Writer`] changes, and only the
//! machine makes one, for one entry of the log at a time. The map ([`map`]) is cut into shards that
//! can be locked, copied and cleared one at a time; it holds one slot for each key ([`slot`]), most
//! of them packed into one allocation ([`packed`]). Three things follow the changes: the index of
//! deadlines ([`deadlines`]), a running snapshot ([`capture`]), and the announcements to clients
//! ([`change_stream`]).
//!
//! Locks: the entry lock keeps half-applied entries from readers that must not see them, and the
//! multi-key lock keeps half-done commands from commands of several keys. A thread takes the entry
//! lock first.
//!
//! Invariants:
//! * one writer at a time: only the machine makes one ([`Access::writer`]), and it applies entries
//!   one after the other;
//! * a command of several keys sees no other command half done: it takes the multi-key lock
//!   exclusively, while commands of one key share it;
//! * a version identifies one state of its key: a read with [`Scope::BetweenEntries`] never sees
//!   half an entry;
//! * a read sees one state: none is answered while a snapshot replaces the state
//!   ([`Keyspace::read_whole`]);
//! * a capture shows the moment at which it began ([`capture`]);
//! * the time of the keyspace is that of the newest applied entry. It never goes back, and no
//!   reader judges deadlines by an earlier time: a read that sees an entry also sees everything
//!   that had expired by then.
//!
//! Nothing here reads a clock. The caller's time decides what is expired: the entry's when
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
mod view;
mod walk;
mod writer;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use parking_lot::{RwLock, RwLockReadGuard, RwLockWriteGuard};

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
        "Beyond, no change of the entry is reported, and caching clients are told to drop everything."
    ),
    limit!(CHANGES_BYTES_MAX, Bytes, "Names of the changed keys", "The same."),
];

/// The exclusive upper bound of the cursors of [`View::scan`].
pub const SCAN_SHARDS: u64 = map::SHARDS as u64;

/// The keyspace of one Raft group.
pub struct Keyspace {
    map: map::Map,
    multi_key_lock: RwLock<()>,
    /// The entry lock, held exclusively while an entry is applied.
    entry: RwLock<()>,
    captures: capture::Captures,
    change_stream: ChangeStream,
    /// The time of the newest applied entry, in Unix milliseconds.
    time_ms: AtomicU64,
    /// The keys that were removed or overwritten after their deadline, in entries that count.
    expired: AtomicU64,
    counts_expired: AtomicBool,
    lookups: Lookups,
    /// Incremented when a snapshot begins to replace the state and when it is complete: odd in
    /// between.
    replaced: AtomicU64,
}

/// Whether a command touches one key or needs several keys at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    OneKey,
    ManyKeys,
    /// One key, but not in the middle of an entry: all changes of an entry have one version, so a
    /// reader of the version has to see all of them.
    BetweenEntries,
}

impl Scope {
    /// The scope of a command with this number of keys.
    pub fn of(keys: usize) -> Scope {
        if keys == 1 { Scope::OneKey } else { Scope::ManyKeys }
    }
}

/// The multi-key lock, as a command holds it while it runs.
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
    /// The surrounding transaction holds it.
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
            time_ms: AtomicU64::new(0),
            expired: AtomicU64::new(0),
            counts_expired: AtomicBool::new(false),
            lookups: Lookups::default(),
            replaced: AtomicU64::new(0),
        }
    }

    /// A reader of the current state, which judges deadlines by `now_ms` or by the keyspace's time,
    /// whichever is later.
    pub fn view(&self, scope: Scope, now_ms: u64) -> View<'_> {
        self.each().view(scope, now_ms)
    }

    /// The one writer, for one command of the entry that `context` describes.
    pub fn writer(&self, scope: Scope, context: ApplyContext) -> Writer<'_> {
        self.each().writer(scope, context, Origin::UNNAMED)
    }

    /// The changes of each entry, for one subscriber.
    pub fn change_stream(&self) -> &ChangeStream {
        &self.change_stream
    }

    /// Begins an entry, which lasts until the guard is dropped. With `counts`, the keys that it
    /// finds expired are counted.
    pub fn begin_entry(&self, counts: bool) -> RwLockWriteGuard<'_, ()> {
        let guard = self.entry.write();
        self.counts_expired.store(counts, Ordering::Relaxed);
        guard
    }

    /// The time of the newest applied entry, in Unix milliseconds; 0 before the first.
    pub fn time_ms(&self) -> u64 {
        self.time_ms.load(Ordering::Acquire)
    }

    /// Advances the time to that of an entry or a snapshot, and returns the new time.
    pub fn advance_time(&self, stamp_ms: u64) -> u64 {
        self.time_ms.fetch_max(stamp_ms, Ordering::AcqRel).max(stamp_ms)
    }

    /// The number of keys that writes and the removal of expired keys found expired, since the last
    /// [`Keyspace::forget_expired`].
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

    /// How often clients' reads found their keys.
    pub fn lookups(&self) -> &Lookups {
        &self.lookups
    }

    /// The share, from 0 to 1, of keys past their deadline among the keys that have one: among the
    /// first `keys_max` or a few more, from the shard `from` on.
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
            // A fair lock: readers queue behind a waiting multi-key command and cannot starve it. A
            // thread that holds a view must not take another: the second would wait for the writer,
            // which waits for the first.
            Scope::OneKey => Held::Shared { _guard: self.multi_key_lock.read() },
            Scope::ManyKeys => Held::Alone { _guard: self.multi_key_lock.write() },
            // In the order in which an entry takes them.
            Scope::BetweenEntries => {
                let entry = self.entry.read();
                Held::BetweenEntries { _entry: entry, _guard: self.multi_key_lock.read() }
            }
        }
    }

    /// Reads what look-ups of these keys will read, one right after the other, so that the waits for
    /// memory overlap. It changes nothing and counts nothing, so the keys may be guesses.
    pub fn touch<'a>(&self, keys: impl Iterator<Item = &'a [u8]>) {
        keys.for_each(|key| self.map.touch(self.map.name(key)));
    }

    /// The number of keys, expired ones included.
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

    /// Keys whose deadline has passed at `now_ms`: at most `keys_max`, and together at most
    /// `bytes_max` bytes, unless the first alone is longer.
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

    /// The result of `read`, unless a snapshot replaced the state meanwhile: `read` may then have
    /// seen parts of two states.
    pub fn read_whole<T>(&self, read: impl FnOnce() -> T) -> Option<T> {
        let before = self.replaced.load(Ordering::Acquire);
        if !before.is_multiple_of(2) {
            return None;
        }
        let outcome = read();
        // The loads of `read` happened under locks, so none is reordered after this one.
        (self.replaced.load(Ordering::Acquire) == before).then_some(outcome)
    }

    /// Restores one record of a snapshot: into a keyspace that is not read yet, or after
    /// [`Keyspace::reset`].
    pub fn restore(&self, key: Key, entry: Entry) {
        self.map.insert(self.map.name(key.as_bytes()), entry);
    }

    /// Drops everything before a snapshot is loaded. Reads get no answer until
    /// [`Keyspace::restored`].
    pub fn reset(&self) {
        let _held = self.hold(Scope::ManyKeys);
        // The load before this one may have failed.
        if self.replaced.load(Ordering::Acquire).is_multiple_of(2) {
            self.replaced.fetch_add(1, Ordering::AcqRel);
        }
        self.captures.abandon();
        (0..map::SHARDS).for_each(|shard| self.map.clear_shard(shard));
        assert!(self.is_empty(), "every shard was cleared");
    }

    /// Ends the load of a snapshot of the state after the entry `index`.
    pub fn restored(&self, index: u64) {
        // Announced before the new state can be read.
        self.change_stream.note_everything();
        self.change_stream.hand_out(index);
        let before = self.replaced.fetch_add(1, Ordering::AcqRel);
        assert!(!before.is_multiple_of(2), "a restored keyspace was reset before");
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
        assert_eq!(keyspace.read_whole(|| keyspace.reset()), None, "the snapshot came in the middle");
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
            // Long enough for the second view to overtake, if the lock let it.
            std::thread::sleep(Duration::from_millis(100));
            drop(before);
        });
        assert_eq!(*order.lock().unwrap(), ["many", "one"]);
    }
}
