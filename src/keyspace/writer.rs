//! Changes to the keyspace, made only while an entry of the log is applied.

use std::convert::Infallible;
use std::num::NonZeroU64;
use std::ops::Deref;

use super::entry::is_expired;
use super::map::SHARDS;
use super::slot::Slot;
use super::{Collection, Entry, EntryRef, Event, Held, Key, Origin, Value, View};
use crate::acl::Users;
use crate::error::CommandError;
use crate::json::Document;

/// The data about the applied entry that is the same on every replica: its index, and the time at
/// which its leader proposed it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ApplyContext {
    pub index: u64,
    /// The entry's time, in Unix milliseconds.
    pub now_ms: u64,
}

/// The keyspace for a writing command: a [`View`] at the entry's time, and methods that make
/// changes. Every change records the entry's index as the key's version.
pub struct Writer<'a> {
    /// This view holds no lock. [`View::release`] therefore cannot expose the state between two
    /// changes of a command.
    pub(super) view: View<'a>,
    pub(super) context: ApplyContext,
    pub(super) origin: Origin,
    pub(super) _held: Held<'a>,
}

impl<'a> Deref for Writer<'a> {
    type Target = View<'a>;

    fn deref(&self) -> &View<'a> {
        &self.view
    }
}

impl Writer<'_> {
    pub fn context(&self) -> ApplyContext {
        self.context
    }

    /// Lets `change` edit the users. Its error leaves them as they are.
    pub fn change_users<T, E>(&mut self, change: impl FnOnce(&mut Users) -> Result<T, E>) -> Result<T, E> {
        let table = &self.keyspace.users;
        let before = table.current();
        let mut users = Users::clone(&before);
        let outcome = change(&mut users)?;
        if users != *before {
            table.replace(users);
        }
        Ok(outcome)
    }

    /// Stores `value` under `key`, and removes the former value and deadline.
    pub fn replace(&mut self, key: Key, value: Value) {
        self.put(key, value, None);
    }

    /// Stores `value` under `key` and keeps the key's deadline.
    pub fn put_keeping_deadline(&mut self, key: Key, value: Value) {
        let kept =
            |before: Option<EntryRef<'_>>| Ok::<_, Infallible>(before.and_then(|before| before.expires_ms));
        let Ok(()) = self.insert(&key, value, kept, false);
    }

    /// Stores `value` under `key` with a deadline, or without one.
    pub fn put(&mut self, key: Key, value: Value, expires_ms: Option<NonZeroU64>) {
        let Ok(()) = self.put_if(&key, value, |_| Ok::<_, Infallible>(expires_ms));
    }

    /// Stores `value` under `key` with the deadline that `decide` returns. `decide` sees the entry
    /// under `key`, if one exists and has not expired; its error leaves everything as it is.
    pub fn put_if<E>(
        &mut self,
        key: &Key,
        value: Value,
        decide: impl FnOnce(Option<EntryRef<'_>>) -> Result<Option<NonZeroU64>, E>,
    ) -> Result<(), E> {
        self.insert(key, value, decide, true)
    }

    /// Stores a copy of another key's entry, with its deadline, under `key`.
    pub fn put_entry(&mut self, key: Key, entry: Entry) {
        self.place(key.as_bytes(), entry);
        self.keyspace.change_stream.note(key.as_bytes(), self.origin.changed);
    }

    /// Stores an entry under `key`. Subscribers get the event of a new key even if the key existed.
    fn place(&mut self, key: &[u8], entry: Entry) {
        let keyspace = self.keyspace;
        let name = keyspace.map.name(key);
        keyspace.captures.before_change(&keyspace.map, name);
        let version = self.context.index;
        let before = keyspace.map.insert(name, Entry { version, ..entry });
        assert!(
            before.is_none_or(|before| before.version <= version),
            "the version of a key never decreases"
        );
        if before.is_some_and(|before| is_expired(before.expires_ms, self.context.now_ms)) {
            keyspace.change_stream.note(key, Event::EXPIRED);
        }
        keyspace.change_stream.note(key, Event::NEW);
    }

    /// Moves the entry under `key` to `newkey`. The origin's event for a change is reported for
    /// `newkey`, and the one for a removal for `key`.
    ///
    /// # Panics
    /// If `key` does not exist.
    pub fn rename(&mut self, key: &[u8], newkey: Key) {
        let keyspace = self.keyspace;
        let name = keyspace.map.name(key);
        keyspace.captures.before_change(&keyspace.map, name);
        let slot = keyspace.map.remove(name).expect("the caller checked that the key exists");
        self.place(newkey.as_bytes(), slot.to_entry());
        keyspace.change_stream.note(key, self.origin.removed);
        keyspace.change_stream.note(newkey.as_bytes(), self.origin.changed);
    }

    /// Replaces the name of the event that the following changes report.
    pub fn set_event(&mut self, event: &'static str) {
        self.origin.changed.name = event;
    }

    /// Reports a further event of a key.
    pub fn announce(&self, key: &[u8], event: &'static str) {
        self.keyspace.change_stream.note(key, Event { name: event, ..self.origin.changed });
    }

    /// Like [`Writer::put_if`]. With `announces`, a deadline is reported as an event of its own.
    fn insert<E>(
        &mut self,
        key: &Key,
        value: Value,
        decide: impl FnOnce(Option<EntryRef<'_>>) -> Result<Option<NonZeroU64>, E>,
        announces: bool,
    ) -> Result<(), E> {
        let (keyspace, ApplyContext { index: version, now_ms }) = (self.keyspace, self.context);
        let name = keyspace.map.name(key.as_bytes());
        keyspace.captures.before_change(&keyspace.map, name);
        let mut new_deadline = false;
        let before = keyspace.map.insert_if(name, |slot| {
            let expires_ms = decide(slot.map(Slot::entry).filter(|entry| !entry.is_expired(now_ms)))?;
            new_deadline = announces && expires_ms.is_some();
            Ok(Entry { value, expires_ms, version })
        })?;
        assert!(before.is_none_or(|before| before.version <= version), "versions never fall");
        let expired = before.is_some_and(|before| is_expired(before.expires_ms, now_ms));
        if expired {
            keyspace.count_expired();
        }
        if keyspace.change_stream.is_wanted() {
            self.note_put(name.bytes, before.is_some(), expired, new_deadline);
        }
        Ok(())
    }

    fn note_put(&self, key: &[u8], existed: bool, expired: bool, new_deadline: bool) {
        let stream = &self.keyspace.change_stream;
        if expired {
            stream.note(key, Event::EXPIRED);
        }
        if !existed || expired {
            stream.note(key, Event::NEW);
        }
        stream.note(key, self.origin.changed);
        if new_deadline {
            stream.note(key, Event::EXPIRE);
        }
    }

    /// Calls `edit` to change the value under `key` in place; `None` if the key does not exist or
    /// has expired. An `edit` that fails must have changed nothing; the version stays the same
    /// then.
    fn edit_value<T>(
        &mut self,
        key: &[u8],
        edit: impl FnOnce(&mut Value) -> Result<Edited<T>, CommandError>,
    ) -> Result<Option<T>, CommandError> {
        let (keyspace, context) = (self.keyspace, self.context);
        let name = keyspace.map.name(key);
        keyspace.captures.before_change(&keyspace.map, name);
        let edit = |slot: &mut Slot| {
            let lives = !slot.entry().is_expired(context.now_ms);
            lives.then(|| slot.edit(context.index, edit))
        };
        match keyspace.map.with_mut(name, edit).flatten().transpose()? {
            None => Ok(None),
            Some(Edited::Unchanged(answer)) => Ok(Some(answer)),
            Some(Edited::Changed(answer)) => {
                keyspace.change_stream.note(key, self.origin.changed);
                Ok(Some(answer))
            }
        }
    }

    /// Like [`Writer::edit_value`], for a document.
    pub fn edit_document<T>(
        &mut self,
        key: &[u8],
        edit: impl FnOnce(&mut Document) -> Result<Edited<T>, CommandError>,
    ) -> Result<Option<T>, CommandError> {
        self.edit_value(key, |value| match value {
            Value::Json(document) => edit(document),
            _ => Err(CommandError::WRONG_JSON_KIND),
        })
    }

    /// Like [`Writer::edit_value`], for a string.
    pub fn edit_text<T>(
        &mut self,
        key: &[u8],
        edit: impl FnOnce(&mut Box<[u8]>) -> Edited<T>,
    ) -> Result<Option<T>, CommandError> {
        self.edit_value(key, |value| match value {
            Value::Text(text) => Ok(edit(text)),
            _ => Err(CommandError::WRONG_KIND),
        })
    }

    /// Like [`Writer::edit_value`], for a collection. A collection without elements is removed
    /// afterwards.
    pub fn edit_collection<C: Collection, T>(
        &mut self,
        key: &[u8],
        edit: impl FnOnce(&mut C) -> Result<Edited<T>, CommandError>,
    ) -> Result<Option<T>, CommandError> {
        let mut emptied = false;
        let answer = self.edit_value(key, |value| {
            let collection = C::of_mut(value).ok_or(CommandError::WRONG_KIND)?;
            let edited = edit(collection)?;
            emptied = collection.is_empty();
            let changed = matches!(edited, Edited::Changed(_));
            assert!(changed || !emptied, "a collection in the keyspace has elements");
            Ok(edited)
        })?;
        if emptied {
            self.remove(key);
        }
        Ok(answer)
    }

    /// Like [`Writer::edit_collection`], but begins with an empty collection if the key does not
    /// exist. A collection that stays empty is not stored.
    pub fn edit_or_begin<C: Collection, T>(
        &mut self,
        key: Key,
        edit: impl FnOnce(&mut C) -> Result<Edited<T>, CommandError>,
    ) -> Result<T, CommandError> {
        if self.exists(key.as_bytes()) {
            let edited = self.edit_collection(key.as_bytes(), edit)?;
            return Ok(edited.expect("no other writer can remove the key"));
        }
        let mut begun = C::default();
        let (Edited::Changed(answer) | Edited::Unchanged(answer)) = edit(&mut begun)?;
        if !begun.is_empty() {
            self.put(key, begun.into_value(), None);
        }
        Ok(answer)
    }

    /// Sets or removes the deadline of a key; false if the key does not exist.
    pub fn set_deadline(&mut self, key: &[u8], expires_ms: Option<NonZeroU64>) -> bool {
        if !self.exists(key) {
            return false;
        }
        let name = self.keyspace.map.name(key);
        self.keyspace.captures.before_change(&self.keyspace.map, name);
        let set = self.keyspace.map.set_deadline(name, expires_ms, self.context.index);
        let event = if expires_ms.is_some() { Event::EXPIRE } else { Event::PERSIST };
        self.keyspace.change_stream.note(key, event);
        set
    }

    /// Removes a key; false if there was none, or it had expired.
    pub fn remove(&mut self, key: &[u8]) -> bool {
        let name = self.keyspace.map.name(key);
        self.keyspace.captures.before_change(&self.keyspace.map, name);
        let Some(slot) = self.keyspace.map.remove(name) else { return false };
        let expired = slot.entry().is_expired(self.context.now_ms);
        if expired {
            self.keyspace.count_expired();
        }
        self.keyspace.change_stream.note(key, if expired { Event::EXPIRED } else { self.origin.removed });
        !expired
    }

    /// Removes a key if its deadline has passed at the entry's time. True if it was removed.
    pub fn remove_if_expired(&mut self, key: &[u8]) -> bool {
        let map = &self.keyspace.map;
        let expired = map.with(map.name(key), |slot| slot.entry().is_expired(self.context.now_ms));
        if expired == Some(true) {
            self.remove(key);
        }
        expired == Some(true)
    }

    /// Removes every key.
    pub fn clear(&mut self) {
        for shard in 0..SHARDS {
            self.keyspace.captures.before_clear(&self.keyspace.map, shard);
            self.keyspace.map.clear_shard(shard);
        }
        assert!(self.keyspace.is_empty(), "every shard was cleared");
        self.keyspace.change_stream.note_everything();
    }
}

/// The result of an edit, and whether the edit changed the value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Edited<T> {
    Changed(T),
    Unchanged(T),
}
