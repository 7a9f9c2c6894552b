//! The state in memory: every key with its value, its deadline and its version.
//!
//! A [`View`] reads and has no method that changes anything; a [`Writer`] changes, and only the
//! machine makes one, for one entry of the log at a time.
//!
//! Invariants:
//! * there is one writer at a time: only the machine, which applies entries one after the other,
//!   takes one ([`Access::writer`]);
//! * a command that names several keys sees no other command half done: it takes the multi-key lock
//!   alone, while commands of one key share it;
//! * a version that was read names one state of its key: what [`Scope::BetweenEntries`] reads is of
//!   whole entries;
//! * a read sees one state: while a snapshot takes its place, there is no answer
//!   ([`Keyspace::read_whole`]);
//! * while a capture runs, the state it saves is that of the moment it began ([`capture`]).
//!
//! * the time of the keyspace is the newest stamp that was applied; it never goes back, and no
//!   reader judges deadlines by an earlier one: who sees what an entry did sees what had expired by
//!   then.
//!
//! Caveat: nothing here reads a clock. What is expired is decided by the time that the caller
//! brings: the leader's stamp when applying, the group's time when reading.

mod access;
mod capture;
mod change_stream;
mod collection;
mod deadlines;
mod entry;
mod hash;
mod limits;
mod list;
mod map;
mod order;
mod set;
mod sorted_set;
mod view;
mod walk;
mod writer;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use parking_lot::{RwLock, RwLockReadGuard, RwLockWriteGuard};

pub use access::{Access, Alone, BetweenEntries};
pub use capture::{Capture, Record};
pub use change_stream::{ChangeStream, Changes, Class, Event, KeyEvent, Origin};
pub use collection::{COLLECTION_BYTES_MAX, Collection, ELEMENT_BYTES, Element};
pub use entry::{Entry, Key, Value};
pub use hash::Hash;
pub use limits::LIMITS;
pub use list::List;
pub use set::Set;
pub use sorted_set::SortedSet;
pub use view::{Lookups, View};
pub use writer::{ApplyContext, Edited, Writer};

/// The cursors of [`View::scan`] are below this.
pub const SCAN_SHARDS: u64 = map::SHARDS as u64;

/// The keyspace of one Raft group.
pub struct Keyspace {
    map: map::Map,
    multi_key_lock: RwLock<()>,
    /// Held while an entry of several commands is applied.
    entry: RwLock<()>,
    captures: capture::Captures,
    change_stream: ChangeStream,
    /// The newest stamp that was applied, in unix milliseconds.
    time_ms: AtomicU64,
    /// Keys that were taken away or written over after their deadline, in entries that count.
    expired: AtomicU64,
    counts_expired: AtomicBool,
    lookups: Lookups,
    /// Odd while a snapshot takes the place of the state; one more at its beginning and at its end.
    replaced: AtomicU64,
}

/// Whether a command touches one key or has to see several at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    OneKey,
    ManyKeys,
    /// One key, and not while an entry is half applied: all changes of an entry have one version,
    /// so who sees the version has to see all of them.
    BetweenEntries,
}

impl Scope {
    /// The scope of a command that names so many keys.
    pub fn of(keys: usize) -> Scope {
        if keys == 1 { Scope::OneKey } else { Scope::ManyKeys }
    }
}

/// The multi-key lock, held one way or the other for as long as a command runs.
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
    /// By the transaction around it.
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

    /// A reader of the state as it is, for which a deadline at or before `now_ms` has passed, or at
    /// or before the keyspace's own time.
    pub fn view(&self, scope: Scope, now_ms: u64) -> View<'_> {
        self.each().view(scope, now_ms)
    }

    /// The one writer, for one command of the entry that `stamp` belongs to.
    pub fn writer(&self, scope: Scope, context: ApplyContext) -> Writer<'_> {
        self.each().writer(scope, context, Origin::UNNAMED)
    }

    /// What is changed, for those who want to know.
    pub fn change_stream(&self) -> &ChangeStream {
        &self.change_stream
    }

    /// Until the guard is dropped an entry is being applied. Keys that it finds expired are counted
    /// if `counts`.
    pub fn begin_entry(&self, counts: bool) -> RwLockWriteGuard<'_, ()> {
        let guard = self.entry.write();
        self.counts_expired.store(counts, Ordering::Relaxed);
        guard
    }

    /// The newest stamp that was applied, in unix milliseconds; 0 before the first.
    pub fn time_ms(&self) -> u64 {
        self.time_ms.load(Ordering::Acquire)
    }

    /// Takes note of the stamp of an entry, or of a snapshot: the time that it is now.
    pub fn advance_time(&self, stamp_ms: u64) -> u64 {
        self.time_ms.fetch_max(stamp_ms, Ordering::AcqRel).max(stamp_ms)
    }

    /// How many keys were found expired, by a write or by whoever takes them away, since the last
    /// [`Keyspace::forget_expired`].
    pub fn expired(&self) -> u64 {
        self.expired.load(Ordering::Relaxed)
    }

    /// Begins to count anew.
    pub fn forget_expired(&self) {
        self.expired.store(0, Ordering::Relaxed);
    }

    fn count_expired(&self) {
        if self.counts_expired.load(Ordering::Relaxed) {
            self.expired.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// How often readers found what they asked for.
    pub fn lookups(&self) -> &Lookups {
        &self.lookups
    }

    /// Which share of the keys with a deadline is past it, from 0 to 1: of all of them, or of the
    /// first `keys_max` from this shard on.
    pub fn stale_share(&self, from: usize, keys_max: usize, now_ms: u64) -> f64 {
        let (mut stale, mut timed) = (0usize, 0usize);
        for shard in (0..map::SHARDS).map(|shard| (from + shard) % map::SHARDS) {
            if timed >= keys_max {
                break;
            }
            self.map.for_each_in_shard(shard, |_, entry| {
                timed += usize::from(entry.expires_ms.is_some());
                stale += usize::from(entry.is_expired(now_ms));
            });
        }
        stale as f64 / timed.max(1) as f64
    }

    fn hold(&self, scope: Scope) -> Held<'_> {
        match scope {
            // Behind a command of many keys that waits, so that readers who come and come do not
            // starve it. A thread that holds a view must not take another: the second would wait
            // for the writer, and that for the first.
            Scope::OneKey => Held::Shared { _guard: self.multi_key_lock.read() },
            Scope::ManyKeys => Held::Alone { _guard: self.multi_key_lock.write() },
            // In the order in which an entry takes them.
            Scope::BetweenEntries => {
                let entry = self.entry.read();
                Held::BetweenEntries { _entry: entry, _guard: self.multi_key_lock.read() }
            }
        }
    }

    /// How many keys there are, passed deadlines included.
    pub fn len(&self) -> usize {
        self.map.len()
    }

    pub fn is_empty(&self) -> bool {
        self.map.is_empty()
    }

    /// How many keys have a deadline, passed or not.
    pub fn deadlines(&self) -> usize {
        self.map.deadlines()
    }

    /// Keys whose deadline has passed at `now_ms`: at most so many, and, but for the first,
    /// together no longer than `bytes_max`.
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

    /// What `read` gives, unless a snapshot takes the place of the state meanwhile: then it saw
    /// parts of two states.
    pub fn read_whole<T>(&self, read: impl FnOnce() -> T) -> Option<T> {
        let before = self.replaced.load(Ordering::Acquire);
        if !before.is_multiple_of(2) {
            return None;
        }
        let outcome = read();
        // The loads of `read` were under locks, so none of them comes after this one.
        (self.replaced.load(Ordering::Acquire) == before).then_some(outcome)
    }

    /// Puts back one record of a snapshot: into a keyspace that nobody reads yet, or after
    /// [`Keyspace::reset`].
    pub fn restore(&self, key: Key, entry: Entry) {
        self.map.insert(key, entry);
    }

    /// Drops everything, for a snapshot to take its place: nothing is read until
    /// [`Keyspace::restored`].
    pub fn reset(&self) {
        let _held = self.hold(Scope::ManyKeys);
        // One that could not be loaded may be followed by another.
        if self.replaced.load(Ordering::Acquire).is_multiple_of(2) {
            self.replaced.fetch_add(1, Ordering::AcqRel);
        }
        self.captures.abandon();
        (0..map::SHARDS).for_each(|shard| self.map.clear_shard(shard));
        assert!(self.is_empty(), "every shard was cleared");
    }

    /// Says that the whole of a snapshot of the state after the entry `index` has been put back.
    pub fn restored(&self, index: u64) {
        // Told before it can be read.
        self.change_stream.note_everything();
        self.change_stream.hand_out(index);
        let before = self.replaced.fetch_add(1, Ordering::AcqRel);
        assert!(!before.is_multiple_of(2), "what was restored was reset before");
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
    fn nothing_is_read_while_a_snapshot_takes_the_place_of_the_state() {
        let keyspace = Keyspace::new();
        assert_eq!(keyspace.read_whole(|| 1), Some(1));
        assert_eq!(keyspace.read_whole(|| keyspace.reset()), None, "it came in the middle");
        assert_eq!(keyspace.read_whole(|| 1), None);
        keyspace.restored(1);
        assert_eq!(keyspace.read_whole(|| 1), Some(1));
    }

    #[test]
    fn a_command_of_many_keys_waits_for_those_before_it_only() {
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
            // Long enough for the last to go ahead, if it may.
            std::thread::sleep(Duration::from_millis(100));
            drop(before);
        });
        assert_eq!(*order.lock().unwrap(), ["many", "one"]);
    }
}
