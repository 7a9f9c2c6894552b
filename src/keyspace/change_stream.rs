//! Reports the changes of each entry, for clients that cache what they read and for subscribers of
//! keyspace events.
//!
//! Invariants:
//! * while the stream is switched off, a change costs one atomic load and nothing is recorded;
//! * a change is recorded after it is made: a client that switches the stream on and then reads a
//!   value receives every change that the read did not see;
//! * the receiver gets an entry's changes before the entry counts as applied: a reader that holds
//!   [`super::Keyspace::between_entries`] never sees a change that has not been reported;
//! * an entry records at most [`CHANGES_MAX`] changes and [`CHANGES_BYTES_MAX`] bytes of keys;
//!   beyond that it reports that every key may have changed.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;

use super::Key;

/// Maximum number of changes that one entry reports key by key: as many as a second of small writes
/// makes. They take some tens of megabytes.
pub const CHANGES_MAX: usize = 1 << 18;

/// Maximum total size of the keys in the changes of one entry.
pub(super) const CHANGES_BYTES_MAX: usize = 64 << 20;

/// The class of an event. A letter of `notify-keyspace-events` selects each class.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    Generic,
    Text,
    List,
    Set,
    Hash,
    SortedSet,
    /// Documents, which belong to Redis' class for modules.
    Json,
    Expired,
    New,
}

/// What happened to a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Event {
    /// In upper or lower case; subscribers receive it in lower case.
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

/// The names of the events that a command causes: for a key that it changes, and for a key that it
/// removes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Origin {
    pub changed: Event,
    pub removed: Event,
}

impl Origin {
    /// The origin of a writer that no command uses, as in tests.
    pub const UNNAMED: Origin =
        Origin { changed: Event { name: "set", class: Class::Generic }, removed: Event::DEL };
}

/// One change of one key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyEvent {
    pub key: Key,
    pub event: Event,
}

/// The changes of one entry.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// The events, in the order in which the entry caused them.
    pub events: Vec<KeyEvent>,
    /// Set if every key may have changed: everything was removed or replaced, or there were too
    /// many changes to list.
    pub everything: bool,
}

/// Receives the changes of the entry with this index.
type Taker = Box<dyn Fn(u64, Changes) + Send + Sync>;

/// Collects the changes of an entry for one receiver.
#[derive(Default)]
pub struct ChangeStream {
    wanted: AtomicBool,
    /// The collected changes, and the total size of their keys in bytes.
    waiting: Mutex<(Changes, usize)>,
    taker: OnceLock<Taker>,
}

impl ChangeStream {
    /// Calls `taker` with the changes of each entry, on the thread that applies the entry and
    /// before any reply. `taker` must not block.
    ///
    /// # Panics
    /// If the stream is connected already.
    pub fn connect(&self, taker: impl Fn(u64, Changes) + Send + Sync + 'static) {
        assert!(self.taker.set(Box::new(taker)).is_ok(), "a change stream has one receiver");
    }

    /// Switches the collection of changes on or off.
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

    /// Passes the collected changes to the receiver, as those of the entry `index`. Called while
    /// the entry still holds its lock, so that no reader between entries sees the changes earlier.
    pub fn hand_out(&self, index: u64) {
        if !self.is_wanted() {
            return;
        }
        let (changes, _) = std::mem::take(&mut *self.waiting.lock());
        if let Some(taker) = self.taker.get().filter(|_| changes != Changes::default()) {
            taker(index, changes);
        }
    }

    /// Records a change. Called after the change is made.
    #[inline]
    pub(super) fn note(&self, key: &[u8], event: Event) {
        if self.is_wanted() {
            self.keep(Key::from(key), event);
        }
    }

    /// Records that every key may have changed.
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
        assert!(waiting.events.len() <= CHANGES_MAX, "the number of waiting changes is limited");
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
    fn changes_are_handed_out_while_they_are_wanted() {
        let (stream, taken) = connected();
        stream.note(b"a", Event::DEL);
        stream.hand_out(1);
        assert!(taken.lock().is_empty());
        stream.want(true);
        stream.hand_out(2);
        assert!(taken.lock().is_empty(), "an entry that changed nothing is not reported");
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
    fn too_many_changes_become_one_change_of_everything() {
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
