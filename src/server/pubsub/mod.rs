//! Messages between connections: pub/sub, invalidations of client-side caches, MONITOR, CLIENT
//! PAUSE.
//!
//! | file | what it has |
//! |---|---|
//! | `channels` | who listens to which channel |
//! | `tracking` | who read which key |
//! | `pause` | commands that have to wait |
//! | `broadcast` | tells what an entry changed |
//! | `clients` | the open connections |
//! | `outbox` | what waits for a connection |
//! | `socket_writer` | the way to a client's socket |
//! | `monitor` | a command as MONITOR shows it |
//! | `client_registry` | what commands may ask |
//!
//! Invariants:
//! * nobody who sends waits for one who receives: what cannot be taken in ends the receiver's
//!   connection;
//! * a client that tracks keys is told of a change after the replies that it had made when the
//!   change came, and before any client of this node is answered what was done after it;
//! * a client that has gone is told nothing: its names and keys go with it.

pub(super) mod broadcast;
pub mod channels;
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
use channels::{Channels, Kind};
use clients::{Client, Clients};
use outbox::Message;

pub use pause::Pause;
use tracking::{Tracker, TrackingTable};

/// What may wait for one client that listens, unless it is set: Redis' limit for such clients.
pub const MESSAGE_BYTES_MAX: usize = 32 << 20;

/// Passes a message on to the other nodes.
type Others = Box<dyn Fn(PubSubMessage) + Send + Sync>;

/// Everything that one connection causes another to be sent, with the tables that it needs.
pub struct PubSub {
    keyspace: Arc<Keyspace>,
    clock: Arc<dyn Clock>,
    others: OnceLock<Others>,
    pub clients: Clients,
    channels: [Channels; Kind::COUNT],
    monitors: DashMap<u64, Arc<Client>>,
    /// How many there are, so that a command need not look for them.
    monitoring: AtomicUsize,
    tracking: TrackingTable,
    /// Which changes listeners hear of.
    events: RwLock<KeyspaceEvents>,
    /// Held while somebody begins or ends to want changes, so that the change stream is on exactly
    /// while somebody does.
    interest: Mutex<()>,
    pub pause: Pause,
    message_bytes_max: AtomicUsize,
    /// Whether some client caches.
    tracks: AtomicBool,
}

impl PubSub {
    /// Subscribes to the changes of this keyspace.
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
        let told = Arc::downgrade(&pubsub);
        pubsub.keyspace.change_stream().connect(move |index, changes| {
            if let Some(pubsub) = told.upgrade() {
                pubsub.announce(index, &changes);
            }
        });
        pubsub
    }

    /// Has messages passed on to other nodes, from now on.
    pub fn connect(&self, others: impl Fn(PubSubMessage) + Send + Sync + 'static) {
        let before = self.others.set(Box::new(others));
        assert!(before.is_ok(), "the other nodes are connected once");
    }

    /// What may wait for one client.
    pub fn set_message_bytes_max(&self, bytes: usize) {
        self.message_bytes_max.store(bytes, Ordering::Relaxed);
    }

    /// Sends a message to a client, or cuts the client off.
    fn post(&self, client: &Client, message: Message, bytes: usize) {
        let bytes_max = self.message_bytes_max.load(Ordering::Relaxed);
        if !client.outbox.post(message, bytes, bytes_max) {
            self.cut_off(client);
        }
    }

    fn cut_off(&self, client: &Client) {
        let bytes_max = self.message_bytes_max.load(Ordering::Relaxed);
        let line = client.line().session;
        tracing::warn!(
            client = line.address,
            name = line.name,
            bytes_max,
            "cutting off a client that does not take its messages"
        );
        client.outbox.end();
    }

    fn post_reply(&self, client: &Client, reply: &Arc<Reply>, bytes: usize) {
        self.post(client, Message::Reply(reply.clone()), bytes);
    }

    /// A connection is over.
    pub fn left(&self, client: &Arc<Client>) {
        self.forget_client(client);
        self.clients.remove(client.id);
    }

    /// Ends all that a client listens to, is shown and is told.
    fn forget_client(&self, client: &Arc<Client>) {
        for kind in Kind::ALL {
            let names = std::mem::take(client.subscriptions.lock().names_mut(kind));
            names.iter().for_each(|name| self.channels[kind.at()].remove(name, client.id));
        }
        self.set_monitor(client, false);
        self.set_tracker(client.id, None);
    }

    /// Has a client told of changes, or no more.
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

    /// Has the change stream keep changes while somebody wants them. To be called with `interest`
    /// locked.
    fn update_change_stream(&self) {
        let events = *self.events.read();
        let tracks = !self.tracking.is_empty();
        self.tracks.store(tracks, Ordering::SeqCst);
        self.keyspace.change_stream().want(events.publishes(KeyspaceEvents::EVERY) || tracks);
    }

    /// Whether some client caches, so that others have to wait until it was told.
    #[inline]
    pub fn tracks(&self) -> bool {
        self.tracks.load(Ordering::SeqCst)
    }
}
