//! Messages between connections: pub/sub, invalidations for caching clients, MONITOR, CLIENT PAUSE.
//!
//! A sender never waits for a receiver. Ordinary messages go to the receiver's outbox, which the
//! receiver's task empties between batches. Invalidations must precede the replies to the change:
//! the thread that applies an entry writes them to the receiver's socket at once, through its
//! socket writer, before any reply to the entry is sent.
//!
//! | file | owns |
//! |---|---|
//! | `channels` | the subscribers of each channel |
//! | `tracking` | the readers of each key |
//! | `pause` | CLIENT PAUSE |
//! | `broadcast` | reports of an entry's changes; delivery of published messages |
//! | `clients` | the table of open connections, and the subscriptions of each |
//! | `outbox` | messages that wait for a connection |
//! | `socket_writer` | the write half of a client's socket |
//! | `monitor` | MONITOR |
//! | `client_registry` | the interface of this module to commands |
//!
//! Invariants:
//! * a receiver that does not accept its messages is disconnected; no sender waits for it;
//! * a client receives the invalidation of a change after the replies to its earlier reads, and
//!   before any client of this node receives a reply to a later request;
//! * a disconnected client receives nothing: its subscriptions and tracked keys are removed
//!   together with it.

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

use crate::acl::{DEFAULT_USER, Users};
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

/// Default maximum of bytes that may wait for one subscriber, the same as in Redis.
pub const MESSAGE_BYTES_MAX: usize = 32 << 20;

/// Sends a message to the other nodes.
type Others = Box<dyn Fn(PubSubMessage) + Send + Sync>;

/// Routes messages between connections, and holds the tables of their receivers.
pub struct PubSub {
    keyspace: Arc<Keyspace>,
    clock: Arc<dyn Clock>,
    others: OnceLock<Others>,
    pub clients: Clients,
    channels: [Channels; Kind::COUNT],
    monitors: DashMap<u64, Arc<Client>>,
    /// The number of clients in MONITOR, so that a command can skip the search if there are none.
    monitoring: AtomicUsize,
    tracking: TrackingTable,
    /// The keyspace events that are published.
    events: RwLock<KeyspaceEvents>,
    /// Held while the need for the change stream is re-evaluated, so that the stream is on exactly
    /// while the settings or some client need it.
    interest: Mutex<()>,
    pub pause: Pause,
    message_bytes_max: AtomicUsize,
    /// Whether any client uses client-side caching.
    tracks: AtomicBool,
}

impl PubSub {
    /// Creates the tables and subscribes to the change stream of this keyspace.
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
        let weak = Arc::downgrade(&pubsub);
        pubsub.keyspace.users().connect(move |users| {
            if let Some(pubsub) = weak.upgrade() {
                pubsub.cut_off(users);
            }
        });
        pubsub
    }

    /// Closes the connections of removed users, and of subscribers that may not listen any more.
    fn cut_off(&self, users: &Users) {
        for client in self.clients.all() {
            let session = client.line().session;
            let ends = match users.get(session.user()) {
                Some(user) => !client.may_listen(user),
                None => session.user() != DEFAULT_USER,
            };
            if ends {
                client.outbox.end();
            }
        }
    }

    /// From now on, forwards published messages to the other nodes with `others`.
    pub fn connect(&self, others: impl Fn(PubSubMessage) + Send + Sync + 'static) {
        let before = self.others.set(Box::new(others));
        assert!(before.is_ok(), "connect is called only once");
    }

    /// Sets the maximum of bytes that may wait for one client.
    pub fn set_message_bytes_max(&self, bytes: usize) {
        self.message_bytes_max.store(bytes, Ordering::Relaxed);
    }

    /// Puts a message into a client's outbox, or disconnects the client if the outbox is full.
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

    /// Removes a connection that has been closed.
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

    /// Starts or stops the tracking of keys for a client.
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

    /// Switches the change stream on or off, as the settings and the clients need it. The caller
    /// holds `interest`.
    fn update_change_stream(&self) {
        let events = *self.events.read();
        let tracks = !self.tracking.is_empty();
        self.tracks.store(tracks, Ordering::SeqCst);
        self.keyspace.change_stream().want(events.publishes(KeyspaceEvents::EVERY) || tracks);
    }

    /// Whether any client uses client-side caching, so that replies have to wait for invalidations.
    #[inline]
    pub fn tracks(&self) -> bool {
        self.tracks.load(Ordering::SeqCst)
    }
}
