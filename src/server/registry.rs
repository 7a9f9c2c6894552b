//! The connections that are open, for `CLIENT LIST`.
//!
//! Invariant: an id is given once.

use std::sync::atomic::{AtomicU64, Ordering};

use dashmap::DashMap;

use crate::command::Session;

/// The open connections by id, each as its session was when it last changed.
#[derive(Debug, Default)]
pub struct Registry {
    last_id: AtomicU64,
    sessions: DashMap<u64, Session>,
}

impl Registry {
    pub fn next_id(&self) -> u64 {
        self.last_id.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// Shows the session as it is now.
    pub fn show(&self, session: &Session) {
        assert!(session.id <= self.last_id.load(Ordering::Relaxed), "the id was given by this registry");
        self.sessions.insert(session.id, session.clone());
    }

    pub fn remove(&self, id: u64) {
        self.sessions.remove(&id);
    }

    /// All sessions, oldest connection first.
    pub fn list(&self) -> Vec<Session> {
        let mut all: Vec<Session> = self.sessions.iter().map(|entry| entry.value().clone()).collect();
        all.sort_by_key(|session| session.id);
        all
    }
}
