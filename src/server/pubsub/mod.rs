//! Messages between connections: pub/sub, invalidations for caching clients, MONITOR, CLIENT PAUSE.
//!
//! A sender never waits for a receiver. Ordinary messages go to the receiver's outbox, which its
//! own task empties between batches. Invalidations must not be late: the thread that applies an
//! entry writes them to the receiver's socket at once, through its socket writer, before any reply
//! to the entry is sent.
//!
//! | file | owns |
//! |---|---|
//! | `channels` | the subscribers of each channel |
//! | `tracking` | the readers of each key |
//! | `pause` | CLIENT PAUSE |
//! | `broadcast` | announcing the changes of an entry; delivering published messages |
//! | `clients` | the table of open connections, and the subscriptions of each |
//! | `outbox` | messages that wait for a connection |
//! | `socket_writer` | the write half of a client's socket |
//! | `monitor` | MONITOR |
//! | `client_registry` | the part of this that commands see |
//!
//! Invariants:
//! * a receiver that does not accept its messages is disconnected; no sender waits for it;
//! * the invalidation of a change follows the replies that its client's earlier reads made, and
//!   precedes every reply of this node to a later request;
//! * a client that has gone receives nothing: its subscriptions and tracked keys are removed with
//!   it.

pub(super) mod broadcast;
mod channels;
mod client_registry;
pub mod clients;
pub mod monitor;
pub mod outbox;
mod pause;
pub mod socket_writer;
pub(super) mod tracking;

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use dashmap::DashMap;
use parking_lot::{Mutex, RwLock};

use crate::config::KeyspaceEvents;
use crate::env::Clock;
use crate::keyspace::Keyspace;
use crate::peer::PubSubMessage;
use crate::resp::Reply;
use channels::Channels;
use clients::{Client, Clients, Kind};
use outbox::Message;

pub use pause::Pause;
use tracking::{Tracker, TrackingTable};

/// Default limit on the bytes that may wait for one subscriber: that of Redis.
pub const MESSAGE_BYTES_MAX: usize = 32 << 20;

/// Forwards a message to the other nodes.
type Others = Box<dyn Fn(PubSubMessage) + Send + Sync>;

/// Routes messages from one connection to others, and holds the tables for it.
pub struct PubSub {
    keyspace: Arc<Keyspace>,
    clock: Arc<dyn Clock>,
    others: OnceLock<Others>,
    pub clients: Clients,
    channels: [Channels; Kind::COUNT],
    monitors: DashMap<u64, Arc<Client>>,
    /// The number of monitors, so that a command need not search the table.
    monitoring: AtomicUsize,
    tracking: TrackingTable,
    /// The keyspace events that are published.
    events: RwLock<KeyspaceEvents>,
    /// Held while the interest in changes changes, so that the change stream is on exactly while
    /// there is any.
    interest: Mutex<()>,
    pub pause: Pause,
    message_bytes_max: AtomicUsize,
    /// Whether any client caches.
    tracks: AtomicBool,
}

impl PubSub {
    /// Subscribes to the change stream of this keyspace.
    pub fn new(keyspace: Arc<Keyspace>, clock: Arc<dyn Clock>) -> Arc<PubSub> {
        let pubsub = Arc::new(PubSub {
            keyspace,
            clock,
            others: OnceLock::new(),
            clients: Clients::default(),
            channels: Default::default(),
            monitors: DashMap::new(),
            monitoring: AtomicUsize::new(0),
            tracking: TrackingTable::default(),
            events: RwLock::default(),
            interest: Mutex::default(),
            pause: Pause::default(),
            message_bytes_max: AtomicUsize::new(MESSAGE_BYTES_MAX),
            tracks: AtomicBool::new(false),
        });
        // A weak reference: the keyspace must not keep its listener alive.
        let weak = Arc::downgrade(&pubsub);
        pubsub.keyspace.change_stream().connect(move |index, changes| {
            if let Some(pubsub) = weak.upgrade() {
                pubsub.announce(index, &changes);
            }
        });
        pubsub
    }

    /// Forwards published messages to the other nodes from now on.
    pub fn connect(&self, others: impl Fn(PubSubMessage) + Send + Sync + 'static) {
        let before = self.others.set(Box::new(others));
        assert!(before.is_ok(), "the other nodes are connected once");
    }

    /// Sets the limit on the bytes that may wait for one client.
    pub fn set_message_bytes_max(&self, bytes: usize) {
        self.message_bytes_max.store(bytes, Ordering::Relaxed);
    }

    /// Posts a message to a client, or disconnects the client if its outbox is full.
    fn post(&self, client: &Client, message: Message, bytes: usize) {
        let bytes_max = self.message_bytes_max.load(Ordering::Relaxed);
        if !client.outbox.post(message, bytes, bytes_max) {
            self.disconnect(client);
        }
    }

    fn disconnect(&self, client: &Client) {
        let bytes_max = self.message_bytes_max.load(Ordering::Relaxed);
        let line = client.line().session;
        tracing::warn!(
            client = line.address,
            name = line.name,
            bytes_max,
            "disconnecting a client that does not accept its messages"
        );
        client.outbox.end();
    }

    fn post_reply(&self, client: &Client, reply: &Arc<Reply>, bytes: usize) {
        self.post(client, Message::Reply(reply.clone()), bytes);
    }

    /// Removes a connection that has ended.
    pub fn left(&self, client: &Arc<Client>) {
        self.forget_client(client);
        self.clients.remove(client.id);
    }

    /// Ends a client's subscriptions, its MONITOR and its tracking.
    fn forget_client(&self, client: &Arc<Client>) {
        for kind in Kind::ALL {
            let names = std::mem::take(client.subscriptions.lock().names_mut(kind));
            names.iter().for_each(|name| self.channels[kind.at()].remove(name, client.id));
        }
        self.set_monitor(client, false);
        self.set_tracker(client.id, None);
    }

    /// Starts or ends the tracking of a client.
    fn set_tracker(&self, client: u64, tracker: Option<Tracker>) {
        let _one_at_a_time = self.interest.lock();
        match tracker {
            Some(tracker) => {
                let redirected = tracker.tracking.redirect.and_then(|target| self.clients.find(target));
                redirected.as_ref().unwrap_or(&tracker.client).interleave_pushes();
                self.tracking.set(tracker);
            }
            None => self.tracking.forget(client),
        }
        self.update_change_stream();
    }

    /// Turns the change stream on or off. The caller holds `interest`.
    fn update_change_stream(&self) {
        let events = *self.events.read();
        let tracks = !self.tracking.is_empty();
        self.tracks.store(tracks, Ordering::SeqCst);
        self.keyspace.change_stream().want(events.publishes(KeyspaceEvents::EVERY) || tracks);
    }

    /// Whether any client caches, so that replies have to wait for invalidations.
    #[inline]
    pub fn tracks(&self) -> bool {
        self.tracks.load(Ordering::SeqCst)
    }
}
