//! The table of open connections: the data of each for `CLIENT LIST`, its outbox and its socket
//! writer.
//!
//! Invariants:
//! * no two connections have the same id;
//! * a client has at most [`NAMES_PER_CLIENT_MAX`] subscriptions;
//! * a connection is in the table from accept to close.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

use bytes::Bytes;
use dashmap::DashMap;
use parking_lot::Mutex;

use super::outbox::Outbox;
use super::socket_writer::SocketWriter;
use crate::acl::User;
use crate::command::framework::rights;
use crate::command::{Buffers, Channel, ClientLine, Counts, Session, called};
use crate::error::CommandError;
use crate::resp::Protocol;
use crate::server::stats::gauges::Gauges;

/// An open connection, as other connections see it.
#[derive(Debug)]
pub struct Client {
    pub id: u64,
    pub outbox: Outbox,
    pub writer: SocketWriter,
    /// Whether the client receives invalidations, its own or those of another client. Its replies
    /// then go through the socket writer one by one, to keep their order among the invalidations.
    interleaves: AtomicBool,
    pub gauges: Gauges,
    pub subscriptions: Mutex<Subscriptions>,
    /// A copy of the client's session as of its last change.
    shown: Mutex<Session>,
    /// The position of the client's last command in [`called::all`], and the time of that command.
    last_command: AtomicUsize,
    active_ms: AtomicU64,
}

impl Client {
    pub fn new(session: Session, writer: SocketWriter) -> Client {
        Client {
            id: session.id,
            outbox: Outbox::default(),
            writer,
            interleaves: AtomicBool::new(false),
            gauges: Gauges::default(),
            subscriptions: Mutex::default(),
            last_command: AtomicUsize::new(usize::MAX),
            active_ms: AtomicU64::new(session.connected_ms),
            shown: Mutex::new(session),
        }
    }

    /// From now on, sends the client's replies through the socket writer one by one.
    pub fn interleave_pushes(&self) {
        self.interleaves.store(true, Ordering::Release);
    }

    #[inline]
    pub fn interleaves_pushes(&self) -> bool {
        self.interleaves.load(Ordering::Acquire)
    }

    /// Records a command; `bytes` is the total size of its words.
    #[inline]
    pub fn note_command(&self, place: usize, now_ms: u64, bytes: usize) {
        self.gauges.set_arguments(bytes);
        self.last_command.store(place, Ordering::Relaxed);
        self.active_ms.store(now_ms, Ordering::Relaxed);
    }

    /// Publishes the client's present session for CLIENT LIST.
    pub fn show(&self, session: &Session) {
        assert_eq!(session.id, self.id, "the session belongs to this client");
        let mut shown = self.shown.lock();
        if *shown != *session {
            shown.clone_from(session);
        }
    }

    /// The client's protocol version.
    pub fn protocol(&self) -> Protocol {
        self.shown.lock().protocol
    }

    /// Whether a user's rights cover all subscriptions of the client.
    pub fn may_listen(&self, user: &User) -> bool {
        let subscriptions = self.subscriptions.lock();
        Kind::ALL.into_iter().all(|kind| {
            let is_pattern = kind == Kind::from(Channel::Pattern);
            subscriptions.names(kind).iter().all(|name| rights::may_listen(user, name, is_pattern))
        })
    }

    /// Whether the client has subscriptions, and how many keys it watches.
    pub fn interests(&self) -> (bool, usize) {
        let shown = self.shown.lock();
        (shown.subscribed.total() > 0, shown.watched)
    }

    /// The memory held for the client.
    pub fn buffers(&self) -> Buffers {
        let (messages, bytes) = self.outbox.waiting();
        self.gauges.read(messages, bytes)
    }

    pub fn line(&self) -> ClientLine {
        let last = called::all().get(self.last_command.load(Ordering::Relaxed));
        ClientLine {
            session: self.shown.lock().clone(),
            last_command: last.map_or_else(|| "NULL".to_string(), |called| called.name.clone()),
            active_ms: self.active_ms.load(Ordering::Relaxed),
            buffers: self.buffers(),
        }
    }
}

/// The open connections by id.
#[derive(Debug, Default)]
pub struct Clients {
    last_id: AtomicU64,
    clients: DashMap<u64, Arc<Client>>,
}

impl Clients {
    pub fn next_id(&self) -> u64 {
        self.last_id.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// Adds the connection of this session.
    pub fn add(&self, session: Session, writer: SocketWriter) -> Arc<Client> {
        assert!(session.id <= self.last_id.load(Ordering::Relaxed), "the id was returned by next_id");
        let client = Arc::new(Client::new(session, writer));
        let before = self.clients.insert(client.id, client.clone());
        assert!(before.is_none(), "every id is used only once");
        client
    }

    pub fn remove(&self, id: u64) {
        self.clients.remove(&id);
    }

    pub fn find(&self, id: u64) -> Option<Arc<Client>> {
        self.clients.get(&id).map(|client| client.value().clone())
    }

    /// All connections, the oldest first.
    pub fn all(&self) -> Vec<Arc<Client>> {
        let mut all: Vec<Arc<Client>> = self.clients.iter().map(|entry| entry.value().clone()).collect();
        all.sort_by_key(|client| client.id);
        all
    }

    pub fn list(&self) -> Vec<ClientLine> {
        self.all().iter().map(|client| client.line()).collect()
    }
}

/// Maximum number of subscriptions of a client. Each name takes a few hundred bytes in two tables.
pub const NAMES_PER_CLIENT_MAX: usize = 100_000;

/// Maximum size of a name, far longer than any in practice. Together with [`NAMES_PER_CLIENT_MAX`],
/// it limits the memory for a client's names.
pub const NAME_BYTES_MAX: usize = 64 << 10;

/// A kind of subscription, as an index into an array.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kind(usize);

impl Kind {
    pub const COUNT: usize = 3;
    pub const ALL: [Kind; Kind::COUNT] = [Kind(0), Kind(1), Kind(2)];

    pub fn at(self) -> usize {
        self.0
    }
}

impl From<Channel> for Kind {
    fn from(channel: Channel) -> Kind {
        match channel {
            Channel::Plain => Kind(0),
            Channel::Pattern => Kind(1),
            Channel::Shard => Kind(2),
        }
    }
}

/// The names that one client is subscribed to.
#[derive(Debug, Default)]
pub struct Subscriptions([BTreeSet<Bytes>; Kind::COUNT]);

impl Subscriptions {
    pub fn names(&self, kind: Kind) -> &BTreeSet<Bytes> {
        &self.0[kind.0]
    }

    pub fn names_mut(&mut self, kind: Kind) -> &mut BTreeSet<Bytes> {
        &mut self.0[kind.0]
    }

    pub fn counts(&self) -> Counts {
        let [channels, patterns, shards] = &self.0;
        Counts { channels: channels.len(), patterns: patterns.len(), shards: shards.len() }
    }

    /// Checks that these names may be added to the client's subscriptions.
    pub fn check_room_for(&self, names: &[Bytes]) -> Result<(), CommandError> {
        let long = names.iter().any(|name| name.len() > NAME_BYTES_MAX);
        match long || self.counts().total() + names.len() > NAMES_PER_CLIENT_MAX {
            false => Ok(()),
            true => Err(CommandError::new(format!(
                "ERR a client can subscribe to at most {NAMES_PER_CLIENT_MAX} names of {NAME_BYTES_MAX} bytes each"
            ))),
        }
    }
}
