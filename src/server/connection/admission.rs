//! Whether a request may run here and now: what refuses it, in order, before anything is done.

use bytes::Bytes;

use super::dispatch::Runner;
use crate::command::connection::auth;
use crate::command::{Row, Session, admit, called, table};
use crate::error::Answer;
use crate::resp::{Reply, Request};
use crate::server::state::ServerState;
use crate::server::stats::counters::add;

/// How much of an unknown command's name and arguments an error repeats, as in Redis.
const ECHO_BYTES_MAX: usize = 128;

impl Runner<'_> {
    /// The position of the command in the table, if it may run here and now; otherwise it has been answered.
    pub(super) fn admit(&mut self, request: &Request) -> Option<usize> {
        let position = table::position(request.name());
        let refused = match position {
            None => Some(Reply::Error(unknown_command(request))),
            Some(position) => self.refusal(&table::ROWS[position], request),
        };
        let Some(reply) = refused else { return position };
        if let Some(position) = position {
            add(&self.state.stats.counters.commands[called::place(position, request.words())].rejected, 1);
        }
        // Whatever refused it.
        self.queue.spoil();
        self.session.queued = self.queue.len();
        self.session.watched = self.queue.watched();
        self.shows = true;
        self.answer(reply);
        None
    }

    fn refusal(&mut self, row: &Row, request: &Request) -> Option<Reply> {
        if self.is_barred(row) {
            return Some(auth::REQUIRED.into());
        }
        match admit(row, request, self.session, self.queue) {
            Err(answer) => Some(answer.into()),
            Ok(()) => self.redirect.answer(self.state, self.session, row, request),
        }
    }

    /// Whether the client has to say who it is before it may run this.
    fn is_barred(&mut self, row: &Row) -> bool {
        !row.flags.before_login && !self.session.authenticated && is_unauthenticated(self.state, self.session)
    }
}

/// Whether a client still has to authenticate. While there is no password everybody is the user `default`.
pub fn is_unauthenticated(state: &ServerState, session: &mut Session) -> bool {
    session.authenticated |= !state.config.read().requirepass.is_set();
    !session.authenticated
}

/// The error of a command that is not in the table, word for word as Redis gives it: clients match on it.
fn unknown_command(request: &Request) -> Answer {
    let shown = |word: &Bytes| String::from_utf8_lossy(&word[..word.len().min(ECHO_BYTES_MAX)]).into_owned();
    let mut arguments = String::new();
    for word in request.args() {
        if arguments.len() >= ECHO_BYTES_MAX {
            break;
        }
        arguments.push_str(&format!("'{}' ", shown(word)));
    }
    let name = shown(request.name());
    Answer::new(format!("ERR unknown command '{name}', with args beginning with: {arguments}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_command_is_told_in_the_words_of_redis() {
        let words = ["NOSUCH", "k", "$.a"].map(|word| Bytes::from_static(word.as_bytes()));
        let answer = unknown_command(&Request::new(words));
        assert_eq!(answer.line(), "ERR unknown command 'NOSUCH', with args beginning with: 'k' '$.a' ");
    }
}
