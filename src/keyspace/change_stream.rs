//! What was changed, for those who want to know: clients that cache what they read, and clients
//! that listen.
//!
//! Invariants:
//! * while nobody wants to know, a change costs one load and nothing is kept;
//! * a change is noted after it was made, so whoever wanted to know before reading a value hears of
//!   every change that the read did not see;
//! * the changes of an entry are handed to the taker before the entry counts as applied: a reader
//!   that holds [`super::Keyspace::between_entries`] never sees a change that was not handed out;
//! * an entry has at most [`CHANGES_MAX`] changes; beyond that all of them are dropped, and that is
//!   said once.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;

use super::Key;

/// How many changes of one entry are kept by name: a second of small writes, and some tens of
/// megabytes.
pub const CHANGES_MAX: usize = 1 << 18;

/// What their keys take together.
pub(super) const CHANGES_BYTES_MAX: usize = 64 << 20;

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
pub struct KeyEvent {
    pub key: Key,
    pub event: Event,
}

/// What an entry changed.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// In the order in which they were made.
    pub events: Vec<KeyEvent>,
    /// Every key may have changed, beside those: everything was taken away or replaced, or too many
    /// changes waited.
    pub everything: bool,
}

/// Takes the changes of the entry with this index.
type Taker = Box<dyn Fn(u64, Changes) + Send + Sync>;

/// Collects changes for one taker.
#[derive(Default)]
pub struct ChangeStream {
    wanted: AtomicBool,
    /// With the bytes of their keys.
    waiting: Mutex<(Changes, usize)>,
    taker: OnceLock<Taker>,
}

impl ChangeStream {
    /// Has the changes of each entry handed to `taker`, on the thread that applies it and before
    /// anybody is answered: it must not wait.
    ///
    /// # Panics
    /// If there is a taker already.
    pub fn connect(&self, taker: impl Fn(u64, Changes) + Send + Sync + 'static) {
        assert!(self.taker.set(Box::new(taker)).is_ok(), "a change stream has one taker");
    }

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

    /// Hands out what the entry with this index changed. To be called while nobody can begin to
    /// read what it left.
    pub fn hand_out(&self, index: u64) {
        if !self.is_wanted() {
            return;
        }
        let (changes, _) = std::mem::take(&mut *self.waiting.lock());
        if let Some(taker) = self.taker.get().filter(|_| changes != Changes::default()) {
            taker(index, changes);
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
        if waiting.events.len() >= CHANGES_MAX || *bytes > CHANGES_BYTES_MAX {
            return self.lose(&mut guard);
        }
        waiting.events.push(KeyEvent { key, event });
        assert!(waiting.events.len() <= CHANGES_MAX, "what waits is bounded");
    }

    fn lose(&self, waiting: &mut (Changes, usize)) {
        *waiting = (Changes { events: Vec::new(), everything: true }, 0);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    type Taken = Arc<Mutex<Vec<(u64, Changes)>>>;

    fn connected() -> (ChangeStream, Taken) {
        let (stream, taken) = (ChangeStream::default(), Taken::default());
        let kept = taken.clone();
        stream.connect(move |index, changes| kept.lock().push((index, changes)));
        (stream, taken)
    }

    #[test]
    fn changes_are_handed_out_while_somebody_wants_them() {
        let (stream, taken) = connected();
        stream.note(b"a", Event::DEL);
        stream.hand_out(1);
        assert!(taken.lock().is_empty());
        stream.want(true);
        stream.hand_out(2);
        assert!(taken.lock().is_empty(), "an entry that changed nothing is not told");
        stream.note(b"a", Event::DEL);
        stream.note(b"b", Event::NEW);
        stream.hand_out(3);
        let (index, changes) = taken.lock().pop().expect("there are changes");
        let names: Vec<&str> = changes.events.iter().map(|change| change.event.name).collect();
        assert_eq!((index, names, changes.everything), (3, vec!["del", "new"], false));
        stream.note(b"a", Event::DEL);
        stream.want(false);
        stream.want(true);
        stream.hand_out(4);
        assert!(taken.lock().is_empty());
    }

    #[test]
    fn too_many_changes_become_one_that_stands_for_all() {
        let (stream, taken) = connected();
        stream.want(true);
        (0..=CHANGES_MAX).for_each(|_| stream.note(b"key", Event::EXPIRE));
        stream.hand_out(1);
        let (_, changes) = taken.lock().pop().expect("there are changes");
        assert_eq!((changes.events.len(), changes.everything), (0, true));
        stream.note(b"key", Event::EXPIRE);
        stream.hand_out(2);
        assert_eq!(taken.lock().pop().map(|(_, changes)| changes.events.len()), Some(1));
    }
}
