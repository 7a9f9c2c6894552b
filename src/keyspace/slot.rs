//! What the map holds for one key, in as few allocations as possible.
//!
//! Most values are small documents and strings: each lies in one allocation with its key
//! ([`packed`]). Everything else has an [`Entry`] of its own beside the key (*apart*): collections,
//! and values so large that an edit in place has to find them where they are.
//!
//! Invariants:
//! * a slot takes two words in the table, and never changes its key;
//! * whatever can be packed is, so that equal states take equal memory;
//! * a document that is packed shares its memory with readers: it is changed in place only while
//!   nobody else holds the memory, and replaced otherwise.
//!
//! `docs/decisions/0014-memory-per-key.md` has the figures.

use std::borrow::Borrow;
use std::hash::{Hash, Hasher};
use std::num::NonZeroU64;

use super::packed::{Packed, Small};
use super::{Edited, Entry, EntryRef, Key, Value};
use crate::error::CommandError;
use crate::json::Document;

/// The counters of an `Arc`, before its content.
const COUNTERS_BYTES: usize = 2 * size_of::<usize>();

const _: () = assert!(size_of::<Slot>() == 2 * size_of::<usize>(), "a slot takes two words");

/// A copy of a key, while its slot is changed.
type KeyCopy = smallvec::SmallVec<[u8; 64]>;

#[derive(Clone, Debug)]
pub(super) enum Slot {
    Packed(Packed),
    Apart(Box<Apart>),
}

#[derive(Clone, Debug)]
pub(super) struct Apart {
    key: Key,
    entry: Entry,
}

/// What was under a key before a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Former {
    pub expires_ms: Option<NonZeroU64>,
    pub version: u64,
}

impl Slot {
    pub fn new(key: &[u8], entry: Entry) -> Slot {
        match Small::of(&entry) {
            Some(small) if small.pays(key) => Slot::Packed(Packed::new(key, small)),
            _ => Slot::Apart(Box::new(Apart { key: Key::from(key), entry })),
        }
    }

    #[inline]
    pub fn key(&self) -> &[u8] {
        match self {
            Slot::Packed(packed) => packed.key(),
            Slot::Apart(apart) => apart.key.as_bytes(),
        }
    }

    /// Reads the first byte of the slot's memory.
    pub fn touch(&self) -> u8 {
        match self {
            Slot::Packed(packed) => packed.flags(),
            Slot::Apart(apart) => u8::from(apart.entry.expires_ms.is_some()),
        }
    }

    #[inline]
    pub fn entry(&self) -> EntryRef<'_> {
        match self {
            Slot::Packed(packed) => packed.entry(),
            Slot::Apart(apart) => apart.entry.borrowed(),
        }
    }

    pub fn former(&self) -> Former {
        let EntryRef { expires_ms, version, .. } = self.entry();
        Former { expires_ms, version }
    }

    /// The document, which shares the slot's memory; `None` for a value of another type.
    pub fn document(&self) -> Option<Document> {
        match self {
            Slot::Packed(packed) => packed.document(),
            Slot::Apart(apart) => match &apart.entry.value {
                Value::Json(document) => Some(document.clone()),
                _ => None,
            },
        }
    }

    /// A copy of the value, which shares the memory of anything but a string.
    pub fn value(&self) -> Value {
        match (self.document(), self) {
            (Some(document), _) => Value::Json(document),
            (None, Slot::Packed(packed)) => Value::Text(packed.value().into()),
            (None, Slot::Apart(apart)) => apart.entry.value.clone(),
        }
    }

    /// A copy of the entry, like that of the value.
    pub fn to_entry(&self) -> Entry {
        let Former { expires_ms, version } = self.former();
        Entry { value: self.value(), expires_ms, version }
    }

    /// Whether a clone shares the value instead of copying it.
    pub fn is_shared_by_clones(&self) -> bool {
        !matches!(self, Slot::Apart(apart) if matches!(apart.entry.value, Value::Text(_)))
    }

    /// Puts another entry in place of this one, in its memory if it fits exactly. Returns the old
    /// one otherwise: dropping a large one takes long, and the caller holds a lock.
    pub fn replace(&mut self, key: &[u8], entry: Entry) -> Option<Slot> {
        debug_assert_eq!(self.key(), key, "a slot keeps its key");
        let in_place = match (&mut *self, Small::of(&entry)) {
            (Slot::Packed(packed), Some(small)) if small.pays(key) => packed.overwrite(key, small),
            _ => false,
        };
        (!in_place).then(|| std::mem::replace(self, Slot::new(key, entry)))
    }

    /// Sets or removes the deadline.
    pub fn set_deadline(&mut self, expires_ms: Option<NonZeroU64>, version: u64) {
        if self.former() == (Former { expires_ms, version }) {
            return;
        }
        match self {
            Slot::Apart(apart) => {
                (apart.entry.expires_ms, apart.entry.version) = (expires_ms, version);
                self.pack_if_it_pays();
            }
            Slot::Packed(packed) => {
                if !packed.restamp(expires_ms, version) {
                    let value = match packed.is_text() {
                        true => Value::Text(packed.value().into()),
                        // A copy: the packed memory would keep the old key and stamps alive.
                        false => Value::Json(Document::from_trusted(packed.value())),
                    };
                    *self =
                        Slot::new(&KeyCopy::from_slice(packed.key()), Entry { value, expires_ms, version });
                }
            }
        }
    }

    /// Packs an entry apart whose change made it small enough.
    fn pack_if_it_pays(&mut self) {
        if let Slot::Apart(apart) = self
            && let Some(small) = Small::of(&apart.entry).filter(|small| small.pays(apart.key.as_bytes()))
        {
            *self = Slot::Packed(Packed::new(apart.key.as_bytes(), small));
        }
    }

    /// Lets `edit` change the value in place, and gives it `version` if it did.
    pub fn edit<T>(
        &mut self,
        version: u64,
        edit: impl FnOnce(&mut Value) -> Result<Edited<T>, CommandError>,
    ) -> Result<Edited<T>, CommandError> {
        match self {
            Slot::Apart(apart) => {
                let edited = edit(&mut apart.entry.value)?;
                if matches!(edited, Edited::Changed(_)) {
                    apart.entry.version = version;
                    self.pack_if_it_pays();
                }
                Ok(edited)
            }
            Slot::Packed(packed) if packed.is_text() => {
                let (key, expires_ms) = (KeyCopy::from_slice(packed.key()), packed.entry().expires_ms);
                let mut value = Value::Text(packed.value().into());
                let edited = edit(&mut value)?;
                if matches!(edited, Edited::Changed(_)) {
                    drop(self.replace(&key, Entry { value, expires_ms, version }));
                }
                Ok(edited)
            }
            Slot::Packed(_) => self.edit_document(version, edit),
        }
    }

    /// The same for a packed document.
    fn edit_document<T>(
        &mut self,
        version: u64,
        edit: impl FnOnce(&mut Value) -> Result<Edited<T>, CommandError>,
    ) -> Result<Edited<T>, CommandError> {
        let Slot::Packed(packed) = self else { unreachable!("the caller looked") };
        let key = KeyCopy::from_slice(packed.key());
        let EntryRef { expires_ms, version: former, .. } = packed.entry();
        // The memory goes into the document, so that an edit finds it unshared.
        let (document, origin) = packed.take_document();
        let mut value = Value::Json(document);
        let edited = edit(&mut value);
        let version = if matches!(edited, Ok(Edited::Changed(_))) { version } else { former };
        let other = match value {
            Value::Json(document) => packed.give_back(document, origin).map_err(Value::Json),
            other => Err(other),
        };
        match other {
            Ok(()) => self.set_deadline(expires_ms, version),
            Err(value) => *self = Slot::new(&key, Entry { value, expires_ms, version }),
        }
        edited
    }

    /// The approximate memory of the slot in bytes: its place in the table, the key and the value.
    pub fn memory_bytes(&self) -> usize {
        // Tables double when they are seven eighths full, so they are three fifths full on average;
        // a place has a further byte.
        let place = (size_of::<Slot>() + 1) * 5 / 3;
        // A deadline is also in the index of deadlines, whose nodes are three quarters full on
        // average.
        let named = size_of::<(u64, Key)>() * 4 / 3 + allocated(self.key().len());
        let deadline = if self.entry().expires_ms.is_some() { named } else { 0 };
        let content = match self {
            Slot::Packed(packed) => allocated(COUNTERS_BYTES + packed.bytes()),
            Slot::Apart(apart) => {
                let value = match &apart.entry.value {
                    Value::Json(document) => allocated(COUNTERS_BYTES + document.encoded().len()),
                    Value::Text(text) => allocated(text.len()),
                    collection => collection.borrowed().memory_bytes(),
                };
                allocated(size_of::<Apart>()) + allocated(apart.key.as_bytes().len()) + value
            }
        };
        place + deadline + content
    }
}

impl Small<'_> {
    /// Whether packing takes less memory: it may just miss a size of the allocator, which the value
    /// alone would fit.
    fn pays(&self, key: &[u8]) -> bool {
        let apart = allocated(size_of::<Apart>()) + allocated(key.len());
        let value = allocated(if self.is_text { 0 } else { COUNTERS_BYTES } + self.value.len());
        allocated(COUNTERS_BYTES + self.packed_bytes(key)) <= apart + value
    }
}

/// The bytes that the allocator takes for so many: its sizes are the multiples of 16 up to 128, and
/// then four for each power of two.
fn allocated(bytes: usize) -> usize {
    let step = (bytes.max(128).next_power_of_two() / 8).max(16);
    bytes.next_multiple_of(step)
}

/// The key decides, as `Borrow<[u8]>` demands.
impl Hash for Slot {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.key().hash(state);
    }
}

impl PartialEq for Slot {
    fn eq(&self, other: &Slot) -> bool {
        self.key() == other.key()
    }
}

impl Eq for Slot {}

impl Borrow<[u8]> for Slot {
    fn borrow(&self) -> &[u8] {
        self.key()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::json::{ParseLimits, parse};
    use crate::keyspace::List;

    fn document(text: &str) -> Document {
        parse(text.as_bytes(), &ParseLimits { document_bytes_max: usize::MAX }).expect("it is JSON")
    }

    fn entries() -> impl Strategy<Value = Entry> {
        let value = prop_oneof![
            (0..30u64).prop_map(|number| Value::Json(document(&format!("{{\"a\":[{number}]}}")))),
            (0..30usize).prop_map(|length| Value::Text(vec![b'x'; length].into())),
            (8180..8200usize).prop_map(|length| Value::Text(vec![b'x'; length].into())),
            (8170..8200usize).prop_map(|length| Value::Json(document(&format!("\"{:length$}\"", "")))),
            Just(Value::List(List::default().into())),
        ];
        let version = prop_oneof![0..9u64, u64::from(u32::MAX) - 4..u64::from(u32::MAX) + 4, Just(u64::MAX)];
        (value, 0..4u64, version).prop_map(|(value, deadline, version)| Entry {
            value,
            expires_ms: NonZeroU64::new(deadline),
            version,
        })
    }

    proptest! {
        #[test]
        fn a_slot_holds_what_was_put_into_it_last_whoever_shares_its_memory(
            key_length in prop_oneof![0..20usize, 250..260usize],
            first in entries(),
            steps in proptest::collection::vec((0..4u8, entries(), any::<bool>()), 0..12),
        ) {
            let key = vec![b'k'; key_length];
            let (mut slot, mut wanted) = (Slot::new(&key, first.clone()), first);
            for (what, other, shared) in steps {
                let (before, reader) = (wanted.clone(), shared.then(|| (slot.clone(), slot.document())));
                match what {
                    0 => {
                        slot.set_deadline(other.expires_ms, other.version);
                        (wanted.expires_ms, wanted.version) = (other.expires_ms, other.version);
                    }
                    1 => {
                        drop(slot.replace(&key, other.clone()));
                        wanted = other;
                    }
                    2 => {
                        let edited = slot.edit(other.version, |value| {
                            *value = other.value.clone();
                            Ok(Edited::Changed(()))
                        });
                        prop_assert_eq!(edited, Ok(Edited::Changed(())));
                        (wanted.value, wanted.version) = (other.value, other.version);
                    }
                    _ => {
                        let refused = slot.edit(other.version, |_| Err::<Edited<()>, _>(CommandError::SYNTAX));
                        prop_assert_eq!(refused, Err(CommandError::SYNTAX));
                    }
                }
                prop_assert_eq!(slot.key(), &key[..]);
                prop_assert_eq!(&slot.to_entry(), &wanted);
                let (own, fresh) = (slot.memory_bytes(), Slot::new(&key, wanted.clone()).memory_bytes());
                prop_assert_eq!(own, fresh, "memory does not depend on the way to a state");
                if let Some((slot, document)) = reader {
                    prop_assert_eq!(&slot.to_entry(), &before);
                    prop_assert_eq!(document.map(Value::Json), slot.document().map(Value::Json));
                }
            }
        }
    }

    /// The width of the stamps decides with the size of the value whether packing takes less
    /// memory.
    #[test]
    fn new_stamps_leave_a_slot_as_a_fresh_one_with_them() {
        let stamps = [(None, 1), (None, u64::MAX), (NonZeroU64::new(1), 1), (NonZeroU64::new(1), u64::MAX)];
        for (length, shared) in (0..400).flat_map(|length| [(length, false), (length, true)]) {
            let text = vec![b'x'; length];
            let json = document(&format!("\"{}\"", "x".repeat(length)));
            for value in [Value::Text(text.into()), Value::Json(json)] {
                for (before, after) in stamps.iter().flat_map(|before| stamps.map(|after| (*before, after))) {
                    let with = |(expires_ms, version)| Entry { value: value.clone(), expires_ms, version };
                    let mut slot = Slot::new(b"key", with(before));
                    let reader = shared.then(|| slot.clone());
                    slot.set_deadline(after.0, after.1);
                    assert_eq!(slot.to_entry(), with(after));
                    assert_eq!(slot.memory_bytes(), Slot::new(b"key", with(after)).memory_bytes());
                    assert!(reader.is_none_or(|reader| reader.to_entry() == with(before)));
                }
            }
        }
    }

    #[test]
    fn a_small_document_takes_one_allocation_and_is_edited_in_it() {
        let entry = Entry { value: Value::Json(document("[1,2]")), expires_ms: None, version: 1 };
        let mut slot = Slot::new(b"key", entry.clone());
        let address = |slot: &Slot| slot.key().as_ptr().addr();
        let before = address(&slot);
        let add = |value: &mut Value| {
            let Value::Json(counter) = value else { panic!("a document was put") };
            let at = counter.root().elements().next().expect("it has elements").offset();
            assert!(counter.try_replace_in_place(at, document("7").encoded()));
            Ok(Edited::Changed(()))
        };
        assert_eq!(slot.edit(2, add), Ok(Edited::Changed(())));
        assert_eq!(slot.to_entry(), Entry { value: Value::Json(document("[7,2]")), version: 2, ..entry });
        let next = Entry { value: Value::Json(document("[8,9]")), expires_ms: None, version: 3 };
        assert!(slot.replace(b"key", next).is_none());
        slot.set_deadline(None, 4);
        assert_eq!(slot.former().version, 4);
        assert_eq!(address(&slot), before, "every change fitted");
        // The counters, four bytes of version, two of head, the key and the document.
        assert_eq!(slot.memory_bytes(), 28 + allocated(16 + 6 + 3 + document("[7,2]").encoded().len()));
    }

    #[test]
    fn memory_is_counted_in_the_sizes_of_the_allocator() {
        let sizes = [1, 16, 17, 128, 129, 160, 161, 229, 256, 257, 4096, 4097];
        let taken = [16, 16, 32, 128, 160, 160, 192, 256, 256, 320, 4096, 5120];
        assert_eq!(sizes.map(allocated), taken);
    }
}
