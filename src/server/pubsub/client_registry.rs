//! Presents the other connections to commands: [`ClientRegistry`] over [`PubSub`].

use std::sync::Weak;

use bytes::Bytes;

use super::PubSub;
use super::clients::Kind;
use super::tracking::{Tracked, Tracker};
use crate::cluster::PubSubSink;
use crate::command::{Channel, ClientRegistry, Counts, KillFilter, Session, Tracking};
use crate::config::Config;
use crate::error::CommandError;
use crate::keyspace::Changes;
use crate::peer::PubSubMessage;

/// Numbers of clients that receive messages or watch keys.
#[derive(Clone, Copy, Debug, Default)]
pub struct ClientCounts {
    /// Clients with CLIENT TRACKING.
    pub tracking: usize,
    /// Clients with subscriptions.
    pub listening: usize,
    /// Clients that WATCH keys.
    pub watching: usize,
    /// Watched keys, counted once per client.
    pub watched_keys: usize,
}

impl PubSub {
    /// Applies the settings that concern pub/sub and tracking.
    pub fn configure(&self, config: &Config) {
        let _one_at_a_time = self.interest.lock();
        *self.events.write() = config.notify_keyspace_events;
        self.tracking.set_keys_max(config.tracking_table_max_keys);
        self.set_message_bytes_max(config.client_output_buffer_limit.pubsub.hard_bytes_max());
        self.update_change_stream();
        self.tracking.surplus().iter().for_each(|key| self.make_room(key));
    }

    /// Tracks the keys that a client is about to read. After the reply, the caller has to
    /// invalidate the keys that are not tracked any more ([`PubSub::invalidate_forgotten`]).
    pub fn remember_reads<'a>(&self, session: &Session, keys: impl Iterator<Item = &'a Bytes>) {
        if !remembers(session) {
            return;
        }
        for key in keys {
            if let Some(other) = self.tracking.remember(session.id, key).filter(|other| other != key) {
                self.make_room(&other);
            }
        }
    }

    /// After a reply, invalidates those of the keys that the reply has read and that are not
    /// tracked for the client, because they were never tracked or were invalidated before the
    /// reply.
    pub fn invalidate_forgotten<'a>(&self, session: &Session, keys: impl Iterator<Item = &'a Bytes>) {
        if remembers(session) {
            keys.filter(|key| !self.tracking.remembers(session.id, key))
                .for_each(|key| self.invalidate_for(session.id, key));
        }
    }

    /// Invalidates all keys for every caching client. This is necessary if this node does not know
    /// which keys changed.
    pub fn invalidate_all(&self) {
        self.announce(0, &Changes { events: Vec::new(), everything: true });
    }

    /// Invalidates all keys for one client.
    pub fn invalidate_all_for(&self, client: u64) {
        if let Some(tracker) = self.tracking.find(client) {
            self.invalidate(0, &tracker, None);
        }
    }

    /// Collects the numbers of clients for INFO.
    pub fn client_counts(&self) -> ClientCounts {
        let mut client_counts = ClientCounts { tracking: self.tracking.len(), ..ClientCounts::default() };
        for client in self.clients.all() {
            let (listens, watches) = client.interests();
            client_counts.listening += usize::from(listens);
            client_counts.watching += usize::from(watches > 0);
            client_counts.watched_keys += watches;
        }
        client_counts
    }

    /// The present size of the tracking table.
    pub fn tracked(&self) -> Tracked {
        self.tracking.tracked()
    }

    /// The number of names of a kind that have subscribers.
    pub fn names(&self, kind: Channel) -> usize {
        self.channels[Kind::from(kind).at()].len()
    }
}

/// Whether the keys that a client reads now are tracked for it.
fn remembers(session: &Session) -> bool {
    session
        .tracking
        .as_ref()
        .is_some_and(|tracking| !tracking.broadcast && session.caching.unwrap_or(!tracking.opt_in))
}

impl ClientRegistry for PubSub {
    fn subscribe(&self, client: u64, kind: Channel, names: &[Bytes]) -> Result<Vec<Counts>, CommandError> {
        let Some(client) = self.clients.find(client) else {
            return Ok(vec![Counts::default(); names.len()]);
        };
        let mut subscriptions = client.subscriptions.lock();
        subscriptions.check_room_for(names)?;
        let kind = Kind::from(kind);
        let listen = |name: &Bytes| {
            // A copy, so that the stored name does not keep the input buffer alive.
            let name = Bytes::copy_from_slice(name);
            if subscriptions.names_mut(kind).insert(name.clone()) {
                self.channels[kind.at()].add(&name, &client);
            }
            subscriptions.counts()
        };
        Ok(names.iter().map(listen).collect())
    }

    fn unsubscribe(&self, client: u64, kind: Channel, name: &Bytes) -> Counts {
        let Some(client) = self.clients.find(client) else { return Counts::default() };
        let mut subscriptions = client.subscriptions.lock();
        let kind = Kind::from(kind);
        if subscriptions.names_mut(kind).remove(name) {
            self.channels[kind.at()].remove(name, client.id);
        }
        subscriptions.counts()
    }

    fn subscriptions(&self, client: u64, kind: Channel) -> Vec<Bytes> {
        let Some(client) = self.clients.find(client) else { return Vec::new() };
        let subscriptions = client.subscriptions.lock();
        subscriptions.names(Kind::from(kind)).iter().cloned().collect()
    }

    fn publish(&self, kind: Channel, channel: &Bytes, message: &Bytes) -> usize {
        // Copies, so that messages that wait for clients do not keep the input buffer alive.
        let (channel, message) = (&Bytes::copy_from_slice(channel), &Bytes::copy_from_slice(message));
        if let Some(others) = self.others.get() {
            let (channel, message) = (channel.clone(), message.clone());
            others(PubSubMessage { shard: kind == Channel::Shard, channel, message });
        }
        self.deliver(kind, channel, message)
    }

    fn channels(&self, kind: Channel, pattern: Option<&[u8]>) -> Result<Vec<Bytes>, CommandError> {
        self.channels[Kind::from(kind).at()].names(pattern)
    }

    fn listeners(&self, kind: Channel, name: &[u8]) -> usize {
        self.channels[Kind::from(kind).at()].count(name)
    }

    fn monitor(&self, client: u64, on: bool) {
        if let Some(client) = self.clients.find(client) {
            self.set_monitor(&client, on);
        }
    }

    fn track(&self, client: u64, tracking: Option<&Tracking>) {
        let tracker = tracking.zip(self.clients.find(client));
        let tracker = tracker.map(|(tracking, client)| Tracker { client, tracking: tracking.clone() });
        self.set_tracker(client, tracker);
    }

    fn forget(&self, client: u64) {
        if let Some(client) = self.clients.find(client) {
            self.forget_client(&client);
        }
    }

    fn is_connected(&self, client: u64) -> bool {
        self.clients.find(client).is_some()
    }

    fn kill(&self, filter: &KillFilter, own: u64) -> (bool, usize) {
        let (mut own_too, mut others) = (false, 0);
        for client in self.clients.all() {
            let session = client.line().session;
            if filter.excluded == Some(client.id) || !filter.means(&session, self.clock.now_ms()) {
                continue;
            }
            if client.id == own {
                own_too = true;
            } else {
                client.outbox.end();
                others += 1;
            }
        }
        (own_too, others)
    }

    fn pause(&self, millis: u64, writes_only: bool) {
        self.pause.begin(millis, writes_only);
    }

    fn unpause(&self) {
        self.pause.end();
    }
}

impl PubSubSink for Weak<PubSub> {
    fn received(&self, message: PubSubMessage) {
        // The state is gone if the node is stopping.
        let Some(pubsub) = self.upgrade() else { return };
        let kind = if message.shard { Channel::Shard } else { Channel::Plain };
        pubsub.deliver(kind, &message.channel, &message.message);
    }
}
