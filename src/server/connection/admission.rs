//! Admission: the checks that can refuse, delay or redirect a request before it has any effect, in
//! this order.
//!
//! 1. The command is in the table.
//! 2. The node knows the users, or the command does not rely on them.
//! 3. The client is authenticated, or the command needs no login.
//! 4. The number of words fits the command's arity.
//! 5. A RESP2 client with subscriptions may only change these, or call PING, QUIT or RESET.
//! 6. The command is allowed between MULTI and EXEC.
//! 7. The client's user has the rights that the request needs ([`super::permit`]), and the command
//!    is allowed in the cluster's version.
//! 8. The request is not one that this node redirects to the leader ([`super::redirect`]).
//! 9. CLIENT PAUSE does not hold the command back.
//! 10. Clients in MONITOR are shown the request.
//!
//! Invariants:
//! * a refused request between MULTI and EXEC spoils the transaction, whatever the reason;
//! * a redirected request has changed nothing here, so that the client may repeat it elsewhere.

use std::sync::atomic::Ordering;

use bytes::Bytes;

use super::dispatch::Runner;
use super::permit::denied;
use super::signals::hung_up;
use crate::command::connection::handshake;
use crate::command::transactions::{Step, TransactionQueue};
use crate::command::{ReadConsistency, Route, Row, Session, called, table};
use crate::error::CommandError;
use crate::resp::{Reply, Request};
use crate::server::admin::rights;
use crate::server::pubsub::monitor::monitored;
use crate::server::state::ServerState;
use crate::server::stats::counters::{BlockedClient, add};
use crate::version;

/// Maximum bytes of an unknown command's name, and of its arguments, that the error repeats; Redis
/// has the same limit.
const ECHO_BYTES_MAX: usize = 128;

impl Runner<'_> {
    /// Takes a request through all steps of the module's list. Returns the position of its command
    /// in the table; `None` if the request was refused, or the connection is to be closed.
    pub(super) async fn admit(&mut self, request: &Request) -> Option<usize> {
        let position = table::position(request.name());
        let checked = match position {
            None => Err(unknown_command(request).into()),
            Some(position) => self.check(position, request).await.map(|()| position),
        };
        let position = match checked {
            Ok(position) => position,
            Err(reply) => {
                self.refuse(position, request, reply);
                return None;
            }
        };
        let row = &table::ROWS[position];
        self.client.note_command(called::place(position, request.words()), self.wall_ms, request.bytes());
        self.wait_for_pause(row).await;
        if self.closing {
            return None;
        }
        if self.state.pubsub.is_monitored() && !row.flags.skip_monitor {
            self.state.pubsub.show(&monitored(self.wall_ms, &self.session.address, request));
        }
        Some(position)
    }

    /// Steps 2 to 8 of the module's list.
    async fn check(&mut self, position: usize, request: &Request) -> Result<(), Reply> {
        let row = &table::ROWS[position];
        if self.relies_on_users(row) {
            rights::wait_until_known(self.state).await?;
        }
        if !row.flags.no_auth && self.must_authenticate() {
            return Err(handshake::REQUIRED.into());
        }
        admit(row, request, self.session, self.queue)?;
        if !row.flags.no_auth {
            self.check_rights(position, request)?;
        }
        if row.since_version > version::FIRST
            && let Some(error) = row.refused_in(self.state.group.cluster_version())
        {
            return Err(error.into());
        }
        match self.redirect.check(self.state, self.session, row, request) {
            Some(reply) => Err(reply),
            None => Ok(()),
        }
    }

    /// Whether the node has to know the users before it admits a client to this command: it reads
    /// or writes what is replicated. Local reads and the commands of an operator are answered
    /// without.
    fn relies_on_users(&self, row: &Row) -> bool {
        match row.route {
            _ if self.state.users_known.load(Ordering::Acquire) => false,
            Route::Write { .. } | Route::Transact { step: Step::Exec } => true,
            Route::Read { .. } | Route::Transact { step: Step::Watch } => {
                self.read_consistency() != ReadConsistency::Local
            }
            _ => row.spec.name == "ACL",
        }
    }

    /// Whether the client has to authenticate first, or again because its user was removed.
    fn must_authenticate(&mut self) -> bool {
        if self.permit.is_orphan(self.state, self.session) {
            // The client must not go on as the user `default`.
            self.closing = true;
            return true;
        }
        is_unauthenticated(self.state, self.session)
    }

    /// Checks the rights of the client's user.
    pub(super) fn check_rights(&mut self, position: usize, request: &Request) -> Result<(), CommandError> {
        let words = request.words();
        self.permit.check(self.state, self.session, position, words).map_err(|denial| {
            denied(self.state, self.session, (position, &table::ROWS[position]), words, denial)
        })
    }

    fn refuse(&mut self, position: Option<usize>, request: &Request, reply: Reply) {
        if let Some(position) = position {
            add(&self.state.stats.counters.commands[called::place(position, request.words())].rejected, 1);
        }
        self.queue.spoil();
        self.session.queued = self.queue.len();
        self.session.watched = self.queue.watched();
        self.session_changed = true;
        self.push_reply(reply);
    }

    async fn wait_for_pause(&mut self, row: &Row) {
        let pause = &self.state.pubsub.pause;
        if !pause.is_active() || row.flags.while_paused {
            return;
        }
        let writes = match row.route {
            Route::Transact { step: Step::Exec } => self.queue.is_paused_with_writes(),
            _ => row.is_paused_with_writes(),
        };
        self.flush().await;
        let _blocked = pause.holds(writes).then(|| BlockedClient::new(&self.state.stats.counters));
        tokio::select! {
            biased;
            () = pause.wait(writes) => {}
            () = self.client.outbox.ending() => self.closing = true,
            () = hung_up(self.socket) => self.closing = true,
        }
        self.reset_after_wait();
    }
}

/// Whether a client still has to authenticate. While the user `default` is enabled and needs no
/// password, a client that has not authenticated is that user. From then on it counts as
/// authenticated, once the node knows the users.
pub fn is_unauthenticated(state: &ServerState, session: &mut Session) -> bool {
    if session.authenticated {
        return false;
    }
    let admitted = rights::admits_everybody(state);
    // Kept only if the node knows the users: otherwise one may turn up that locks the client out.
    session.authenticated = admitted && rights::are_known(state);
    !admitted
}

/// Steps 4 to 6 of the module's list, which need only the connection's own state. A refused command
/// makes EXEC fail later; a refused EXEC ends the transaction.
///
/// # Errors
/// The reply for the client, with the same text as in Redis.
pub fn admit(
    row: &Row,
    request: &Request,
    session: &Session,
    queue: &mut TransactionQueue,
) -> Result<(), CommandError> {
    let Err(error) = check_own_state(row, request, session, queue) else { return Ok(()) };
    if matches!(row.route, Route::Transact { step: Step::Exec }) {
        return Err(queue.abort(&error));
    }
    queue.spoil();
    Err(error)
}

fn check_own_state(
    row: &Row,
    request: &Request,
    session: &Session,
    queue: &TransactionQueue,
) -> Result<(), CommandError> {
    let name = || String::from_utf8_lossy(request.name());
    if !row.arity_fits(request.words().len()) {
        return Err(CommandError::wrong_arity(&name()));
    }
    if session.only_listens() && !row.flags.while_subscribed {
        let name = name().to_ascii_lowercase();
        return Err(CommandError::new(format!(
            "ERR Can't execute '{name}': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this context"
        )));
    }
    if queue.is_open() && row.flags.not_in_multi {
        return Err(CommandError::fixed("ERR Command not allowed inside a transaction"));
    }
    Ok(())
}

/// The error for a command that is not in the table. Its text is that of Redis, because clients
/// match on it.
fn unknown_command(request: &Request) -> CommandError {
    let shown = |word: &Bytes| String::from_utf8_lossy(&word[..word.len().min(ECHO_BYTES_MAX)]).into_owned();
    let mut arguments = String::new();
    for word in request.args() {
        if arguments.len() >= ECHO_BYTES_MAX {
            break;
        }
        arguments.push_str(&format!("'{}' ", shown(word)));
    }
    let name = shown(request.name());
    CommandError::new(format!("ERR unknown command '{name}', with args beginning with: {arguments}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_error_for_an_unknown_command_is_that_of_redis() {
        let words = ["NOSUCH", "k", "$.a"].map(|word| Bytes::from_static(word.as_bytes()));
        let answer = unknown_command(&Request::new(words));
        assert_eq!(answer.line(), "ERR unknown command 'NOSUCH', with args beginning with: 'k' '$.a' ");
    }
}
