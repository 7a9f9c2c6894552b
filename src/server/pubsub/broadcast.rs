//! Reports the changes of an entry to caching clients and to subscribers of keyspace events, and
//! delivers published messages.
//!
//! The thread that applies an entry reports its changes before any reply to the entry is sent. By
//! then, invalidations have been written to the sockets (`super::socket_writer`), and keyspace
//! events are in the outboxes.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use bytes::Bytes;

use super::PubSub;
use super::clients::{Client, Kind};
use super::socket_writer::Pushed;
use super::tracking::Tracker;
use crate::command::Channel;
use crate::config::KeyspaceEvents;
use crate::keyspace::{Changes, Class, Event, KeyEvent};
use crate::resp::{Protocol, Reply, encode};

/// The channel on which a RESP2 client receives the invalidations of another client.
const INVALIDATE: &[u8] = b"__redis__:invalidate";

/// The class of an event in `notify-keyspace-events`.
fn class_of(event: Event) -> KeyspaceEvents {
    match event.class {
        Class::Generic => KeyspaceEvents::GENERIC,
        Class::Text => KeyspaceEvents::STRING,
        Class::List => KeyspaceEvents::LIST,
        Class::Set => KeyspaceEvents::SET,
        Class::Hash => KeyspaceEvents::HASH,
        Class::SortedSet => KeyspaceEvents::SORTED_SET,
        Class::Json => KeyspaceEvents::MODULE,
        Class::Expired => KeyspaceEvents::EXPIRED,
        Class::New => KeyspaceEvents::NEW,
    }
}

impl PubSub {
    /// Reports the changes of the entry `index`.
    pub(super) fn announce(&self, index: u64, changes: &Changes) {
        if changes.everything {
            for tracker in self.tracking.take_all() {
                self.invalidate(index, &tracker, None);
            }
        }
        self.invalidate_changed(index, &changes.events);
        self.publish_events(&changes.events);
    }

    fn invalidate_changed(&self, index: u64, changes: &[KeyEvent]) {
        if self.tracking.is_empty() {
            return;
        }
        // As in Redis, the keys of each prefix are sent in a separate message.
        let mut invalidated: BTreeMap<(u64, Option<usize>), (Tracker, Vec<Bytes>)> = BTreeMap::new();
        for change in changes {
            let key = change.key.as_bytes();
            let mut trackers = self.tracking.readers(key);
            trackers.extend(self.tracking.broadcast(key));
            for tracker in trackers {
                let of = (tracker.client.id, tracker.tracking.prefix_of(key));
                let (_, keys) = invalidated.entry(of).or_insert_with(|| (tracker, Vec::new()));
                // One change may cause several events in a row.
                if keys.last().is_none_or(|last| last != key) {
                    keys.push(Bytes::copy_from_slice(key));
                }
            }
        }
        for (tracker, keys) in invalidated.into_values() {
            self.invalidate(index, &tracker, Some(keys));
        }
    }

    /// Removes a key from the tracking table to make room, and invalidates it for its readers.
    pub(super) fn make_room(&self, key: &Bytes) {
        for tracker in self.tracking.readers(key) {
            self.invalidate(0, &tracker, Some(vec![key.clone()]));
        }
    }

    /// Invalidates a key for one client.
    pub(super) fn invalidate_for(&self, client: u64, key: &Bytes) {
        if let Some(tracker) = self.tracking.find(client) {
            self.invalidate(0, &tracker, Some(vec![Bytes::copy_from_slice(key)]));
        }
    }

    /// Sends an invalidation of these keys to a client, or to the one to which it redirects
    /// invalidations; `None` invalidates all keys. `index` is that of the entry with the change, 0
    /// if there is none.
    pub(super) fn invalidate(&self, index: u64, tracker: &Tracker, keys: Option<Vec<Bytes>>) {
        let keys = keys.map_or(Reply::Null, |keys| Reply::Array(keys.into_iter().map(Reply::Bulk).collect()));
        let target = match tracker.tracking.redirect {
            None => tracker.client.clone(),
            Some(id) => match self.clients.find(id) {
                Some(target) => target,
                None => {
                    let broken = vec![Reply::word("tracking-redir-broken"), Reply::Integer(id as i64)];
                    if tracker.client.protocol() == Protocol::Resp3 {
                        self.push(index, &tracker.client, Protocol::Resp3, broken);
                    }
                    return;
                }
            },
        };
        let protocol = target.protocol();
        let message = match protocol {
            Protocol::Resp3 => vec![Reply::word("invalidate"), keys],
            // A RESP2 client could not distinguish a push from a reply.
            Protocol::Resp2 if tracker.tracking.redirect.is_none() => return,
            Protocol::Resp2 => {
                let listens =
                    target.subscriptions.lock().names(Kind::from(Channel::Plain)).contains(INVALIDATE);
                if !listens {
                    return;
                }
                vec![Reply::word("message"), Reply::bulk(INVALIDATE), keys]
            }
        };
        self.push(index, &target, protocol, message);
    }

    /// Writes a message to a client's socket at once. Disconnects the client if it is over its
    /// output limit.
    fn push(&self, index: u64, client: &Client, protocol: Protocol, message: Vec<Reply>) {
        let mut bytes = Vec::new();
        encode(&Reply::Push(message), protocol, &mut bytes);
        match client.writer.push(index, &bytes, self.message_bytes_max.load(Ordering::Relaxed)) {
            Pushed::Sent => {}
            Pushed::Waits => client.outbox.wake(),
            Pushed::OverLimit => self.disconnect(client),
        }
    }

    fn publish_events(&self, changes: &[KeyEvent]) {
        let events = *self.events.read();
        let plain = &self.channels[Kind::from(Channel::Plain).at()];
        let patterns = &self.channels[Kind::from(Channel::Pattern).at()];
        if !events.publishes(KeyspaceEvents::EVERY) || plain.is_empty() && patterns.is_empty() {
            return;
        }
        for change in changes.iter().filter(|change| events.publishes(class_of(change.event))) {
            let key = change.key.as_bytes();
            let event = Bytes::from(change.event.name.to_ascii_lowercase());
            if events.contains(KeyspaceEvents::KEYSPACE) {
                let channel = [b"__keyspace@0__:", key].concat();
                self.deliver(Channel::Plain, &channel.into(), &event);
            }
            if events.contains(KeyspaceEvents::KEYEVENT) {
                let channel = [b"__keyevent@0__:", &event[..]].concat();
                self.deliver(Channel::Plain, &channel.into(), &Bytes::copy_from_slice(key));
            }
        }
    }

    /// Delivers a message to the subscribers on this node. Returns their number.
    pub(super) fn deliver(&self, kind: Channel, channel: &Bytes, message: &Bytes) -> usize {
        let bytes = channel.len() + message.len();
        let word = if kind == Channel::Shard { "smessage" } else { "message" };
        let listeners = self.channels[Kind::from(kind).at()].listeners(channel);
        let mut reached = listeners.len();
        if reached > 0 {
            let parts = [Reply::word(word), Reply::Bulk(channel.clone()), Reply::Bulk(message.clone())];
            let push = Arc::new(Reply::Push(parts.into()));
            listeners.iter().for_each(|client| self.post_reply(client, &push, bytes));
        }
        if kind != Channel::Plain {
            return reached;
        }
        for (pattern, listeners) in self.channels[Kind::from(Channel::Pattern).at()].matching(channel) {
            reached += listeners.len();
            let name = Reply::Bulk(pattern);
            let parts = vec![
                Reply::word("pmessage"),
                name,
                Reply::Bulk(channel.clone()),
                Reply::Bulk(message.clone()),
            ];
            let push = Arc::new(Reply::Push(parts));
            listeners.iter().for_each(|client| self.post_reply(client, &push, bytes));
        }
        reached
    }
}
