//! The rights of a connection's user, compiled when they change.
//!
//! Invariants:
//! * while no user was ever made or changed, a check costs one atomic load;
//! * a change of users that was applied before a request arrived decides about that request.

use bytes::Bytes;

use crate::command::framework::rights::{Denial, Rights};
use crate::command::{Refusal, Row, Session, called};
use crate::error::CommandError;
use crate::server::admin::rights;
use crate::server::state::ServerState;

/// What a connection keeps of its user between requests.
#[derive(Default)]
pub struct Permit {
    /// The generation of the users from which `rights` follows, and the user's name.
    generation: u64,
    user: Bytes,
    /// `None` for a user that is gone.
    rights: Option<Rights>,
}

impl Permit {
    /// Whether the users have changed since the last look, or the client is another user now.
    pub fn is_outdated(&self, state: &ServerState, session: &Session) -> bool {
        let generation = state.keyspace.users().generation();
        generation != 0 && (generation != self.generation || self.user != session.user)
    }

    /// The present rights of the connection's user; `None` for a user that is gone.
    fn current(&mut self, state: &ServerState, session: &Session) -> Option<&Rights> {
        if self.is_outdated(state, session) {
            // Read before the users: a later change then makes the next request look again.
            let generation = state.keyspace.users().generation();
            self.rights = rights::user(state, session.user()).map(|user| Rights::of(&user));
            (self.generation, self.user) = (generation, session.user.clone());
        }
        self.rights.as_ref()
    }

    /// Whether the connection's user was removed.
    pub fn is_orphan(&mut self, state: &ServerState, session: &Session) -> bool {
        state.keyspace.users().generation() != 0 && self.current(state, session).is_none()
    }

    /// Whether the connection's user may send this request.
    ///
    /// # Errors
    /// The reason for the refusal.
    pub fn check(
        &mut self,
        state: &ServerState,
        session: &Session,
        position: usize,
        words: &[Bytes],
    ) -> Result<(), Denial> {
        if state.keyspace.users().generation() == 0 {
            return Ok(());
        }
        self.current(state, session).map_or(Err(Denial::Command), |rights| rights.check(position, words))
    }
}

/// Records a denied request, and returns the error for the client.
pub fn denied(
    state: &ServerState,
    session: &Session,
    (position, row): (usize, &Row),
    words: &[Bytes],
    denial: Denial,
) -> CommandError {
    let command = &called::all()[called::place(position, words)].name;
    let object = match &denial {
        Denial::Command => command.as_bytes(),
        Denial::Key(name) | Denial::Channel(name) => name,
    };
    let (reason, in_transaction) = (denial.reason(), session.queued.is_some() && !row.flags.at_once);
    crate::command::Node::note_refusal(
        state,
        session,
        Refusal { reason, in_transaction, object, user: session.user() },
    );
    CommandError::new(format!("NOPERM {}", denial.text(session.user(), command, false)))
}
