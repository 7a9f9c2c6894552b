//! What was changed, for those who want to know: clients that cache what they read, and clients that listen.
//!
//! Invariants:
//! * while nobody wants to know, a change costs one load and nothing is kept;
//! * a change is noted after it was made, so whoever wanted to know before reading a value hears of every change that
//!   the read did not see;
//! * at most [`CHANGES_MAX`] changes wait; beyond that all of them are dropped, and that is said once.

use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;
use tokio::sync::Notify;

use super::Key;

/// How many changes wait for whoever takes them: a second of small writes, and some tens of megabytes.
pub const CHANGES_MAX: usize = 1 << 18;

/// What their keys take together.
const CHANGES_BYTES_MAX: usize = 64 << 20;

/// The kind of an event, as the letters of `notify-keyspace-events` tell them apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    Generic,
    Text,
    List,
    Set,
    Hash,
    SortedSet,
    /// Redis' letter for what a module does: the documents.
    Json,
    Expired,
    New,
}

/// What happened to a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Event {
    /// In any case; it is told in small letters.
    pub name: &'static str,
    pub class: Class,
}

impl Event {
    pub const EXPIRED: Event = Event { name: "expired", class: Class::Expired };
    pub const NEW: Event = Event { name: "new", class: Class::New };
    pub const EXPIRE: Event = Event { name: "expire", class: Class::Generic };
    pub const PERSIST: Event = Event { name: "persist", class: Class::Generic };
    pub const DEL: Event = Event { name: "del", class: Class::Generic };
}

/// The events of a command: what it does to a key that it changes, and to one that it takes away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Origin {
    pub changed: Event,
    pub removed: Event,
}

impl Origin {
    /// For changes that no command asked for.
    pub const UNNAMED: Origin =
        Origin { changed: Event { name: "set", class: Class::Generic }, removed: Event::DEL };
}

/// One change of one key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    pub key: Key,
    pub event: Event,
}

/// What was changed since the last look.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// In the order in which they were made.
    pub changes: Vec<Change>,
    /// Every key may have changed, beside those: everything was taken away or replaced, or too many changes waited.
    pub everything: bool,
}

/// Collects changes for one taker.
#[derive(Debug, Default)]
pub struct Feed {
    wanted: AtomicBool,
    /// With the bytes of their keys.
    waiting: Mutex<(Changes, usize)>,
    more: Notify,
}

impl Feed {
    /// From now on changes are kept, or no more.
    pub fn want(&self, wanted: bool) {
        self.wanted.store(wanted, Ordering::SeqCst);
        if !wanted {
            *self.waiting.lock() = Default::default();
        }
    }

    #[inline]
    pub(super) fn is_wanted(&self) -> bool {
        self.wanted.load(Ordering::SeqCst)
    }

    /// Waits for changes and takes them.
    pub async fn take(&self) -> Changes {
        loop {
            let (changes, _) = std::mem::take(&mut *self.waiting.lock());
            if changes != Changes::default() {
                return changes;
            }
            self.more.notified().await;
        }
    }

    /// Notes a change. To be called after it was made.
    #[inline]
    pub(super) fn note(&self, key: &[u8], event: Event) {
        if self.is_wanted() {
            self.keep(Key::from(key), event);
        }
    }

    /// Notes that every key may have changed.
    pub(super) fn note_everything(&self) {
        if self.is_wanted() {
            self.lose(&mut self.waiting.lock());
        }
    }

    fn keep(&self, key: Key, event: Event) {
        let mut guard = self.waiting.lock();
        let (waiting, bytes) = &mut *guard;
        *bytes += key.as_bytes().len();
        if waiting.changes.len() >= CHANGES_MAX || *bytes > CHANGES_BYTES_MAX {
            return self.lose(&mut guard);
        }
        let first = waiting.changes.is_empty();
        waiting.changes.push(Change { key, event });
        assert!(waiting.changes.len() <= CHANGES_MAX, "what waits is bounded");
        if first {
            self.more.notify_one();
        }
    }

    fn lose(&self, waiting: &mut (Changes, usize)) {
        *waiting = (Changes { changes: Vec::new(), everything: true }, 0);
        self.more.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;

    #[test]
    fn changes_are_kept_while_somebody_wants_them() {
        let feed = Feed::default();
        feed.note(b"a", Event::DEL);
        assert_eq!(feed.take().now_or_never(), None);
        feed.want(true);
        feed.note(b"a", Event::DEL);
        feed.note(b"b", Event::NEW);
        let taken = feed.take().now_or_never().expect("there are changes");
        let names: Vec<&str> = taken.changes.iter().map(|change| change.event.name).collect();
        assert_eq!((names, taken.everything), (vec!["del", "new"], false));
        feed.note(b"a", Event::DEL);
        feed.want(false);
        assert_eq!(feed.take().now_or_never(), None);
    }

    #[test]
    fn too_many_changes_become_one_that_stands_for_all() {
        let feed = Feed::default();
        feed.want(true);
        (0..=CHANGES_MAX).for_each(|_| feed.note(b"key", Event::EXPIRE));
        let taken = feed.take().now_or_never().expect("there are changes");
        assert_eq!((taken.changes.len(), taken.everything), (0, true));
        feed.note(b"key", Event::EXPIRE);
        assert_eq!(feed.take().now_or_never().map(|taken| taken.changes.len()), Some(1));
    }
}
