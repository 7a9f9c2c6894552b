//! The connections that are open: what `CLIENT LIST` shows of them, and the way to them.
//!
//! Invariant: an id is given once.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

use dashmap::DashMap;
use parking_lot::Mutex;

use super::channels::Subscriptions;
use super::outbox::Outbox;
use super::socket_writer::SocketWriter;
use crate::command::{Buffers, ClientLine, Session, called};
use crate::resp::Protocol;
use crate::server::stats::gauges::Gauges;

/// An open connection, as others see it.
#[derive(Debug)]
pub struct Client {
    pub id: u64,
    pub outbox: Outbox,
    pub writer: SocketWriter,
    /// Whether it is told at once of changes, for itself or for another: then its replies go
    /// through the writer one by one.
    interleaves: AtomicBool,
    pub gauges: Gauges,
    pub subscriptions: Mutex<Subscriptions>,
    /// Its session, as it was when it last changed.
    shown: Mutex<Session>,
    /// The place of its last command in [`called::all`], and when that came.
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

    /// Has it told at once of changes from now on.
    pub fn interleave_pushes(&self) {
        self.interleaves.store(true, Ordering::Release);
    }

    #[inline]
    pub fn interleaves_pushes(&self) -> bool {
        self.interleaves.load(Ordering::Acquire)
    }

    /// Notes that a command came, whose words have so many bytes.
    #[inline]
    pub fn note_command(&self, place: usize, now_ms: u64, bytes: usize) {
        self.gauges.set_arguments(bytes);
        self.last_command.store(place, Ordering::Relaxed);
        self.active_ms.store(now_ms, Ordering::Relaxed);
    }

    /// Shows the session as it is now.
    pub fn show(&self, session: &Session) {
        assert_eq!(session.id, self.id, "a client shows its own session");
        let mut shown = self.shown.lock();
        if *shown != *session {
            shown.clone_from(session);
        }
    }

    /// The version that it speaks.
    pub fn protocol(&self) -> Protocol {
        self.shown.lock().protocol
    }

    /// Whether it listens to messages, and how many keys it watches.
    pub fn interests(&self) -> (bool, usize) {
        let shown = self.shown.lock();
        (shown.subscribed.total() > 0, shown.watched)
    }

    /// What is held for it.
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

    /// Takes in the connection of a session.
    pub fn add(&self, session: Session, writer: SocketWriter) -> Arc<Client> {
        assert!(session.id <= self.last_id.load(Ordering::Relaxed), "the id was given by this clients");
        let client = Arc::new(Client::new(session, writer));
        let before = self.clients.insert(client.id, client.clone());
        assert!(before.is_none(), "an id is given once");
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
