//! The users as this node knows them, their changes, and its record of refused requests.

use std::sync::atomic::Ordering;

use bytes::Bytes;

use crate::acl::{DEFAULT_USER, User};
use crate::command::connection::client::line_of;
use crate::command::server::acl::change::SetUser;
use crate::command::{Node, ReadConsistency, Refusal, Session, Write};
use crate::error::{CommandError, Unavailable};
use crate::machine::Batch;
use crate::resp::Reply;
use crate::server::state::ServerState;
use crate::server::stats::counters::add;

/// The user with this name. While no rule has changed `default`, it may do everything, and its
/// password is the setting `requirepass`.
pub fn user(state: &ServerState, name: &[u8]) -> Option<User> {
    let known = state.keyspace.users().current().get(name).cloned();
    known.or_else(|| (name == DEFAULT_USER).then(|| first_user(state)))
}

fn first_user(state: &ServerState) -> User {
    let config = state.config.read();
    match config.requirepass.is_set() {
        true => User { nopass: false, passwords: vec![config.requirepass.digest()], ..User::all_powerful() },
        false => User::all_powerful(),
    }
}

/// Whether a client that has not authenticated is the user `default`.
pub fn admits_everybody(state: &ServerState) -> bool {
    match state.keyspace.users().generation() {
        0 => !state.config.read().requirepass.is_set(),
        _ => user(state, DEFAULT_USER).is_some_and(|user| user.admits_everybody()),
    }
}

/// Whether this node knows the users. After a start it knows only those that it has applied, until
/// it has caught up once: a change that locks a user out may be missing.
pub fn are_known(state: &ServerState) -> bool {
    if !state.users_known.load(Ordering::Acquire) && state.group.leads_alone() {
        state.users_known.store(true, Ordering::Release);
    }
    state.users_known.load(Ordering::Acquire)
}

/// Waits until this node knows the users. A node whose full disk cannot take the changes goes on
/// with those that it has.
///
/// # Errors
/// The reason why it cannot catch up.
pub async fn wait_until_known(state: &ServerState) -> Result<(), Unavailable> {
    if are_known(state) {
        return Ok(());
    }
    match state.group.read_barrier(ReadConsistency::Linearizable).await {
        Ok(_) => state.users_known.store(true, Ordering::Release),
        Err(Unavailable::DiskFull(_)) => {}
        Err(unavailable) => return Err(unavailable),
    }
    Ok(())
}

/// Proposes a change of users.
pub async fn change(state: &ServerState, code: u16, mut words: Vec<Bytes>) -> Result<Reply, CommandError> {
    if code == SetUser::CODE && !words.is_empty() {
        // What `default` begins with if this is its first change, which only the apply knows.
        words.insert(1, Bytes::from(first_user(state).passwords.join(",")));
    }
    let batch = Batch::internal(code, &words)?;
    match state.group.propose(batch).await {
        Ok(done) => {
            // A client of this node that is told of the change finds it here.
            state.group.has_applied(done.index).await;
            Ok(done.replies.into_iter().next().expect("a reply for the one command of the batch"))
        }
        Err(unavailable) => Ok(unavailable.into()),
    }
}

/// Counts a refused request and keeps it for `ACL LOG`.
pub fn note_refusal(state: &ServerState, session: &Session, refusal: Refusal<'_>) {
    let counters = &state.stats.counters;
    let counter = match refusal.reason {
        "auth" => &counters.refused_auth,
        "key" => &counters.refused_keys,
        "channel" => &counters.refused_channels,
        _ => &counters.refused_commands,
    };
    add(counter, 1);
    let client = state.client(session.id).map(|line| line_of(&line, state)).unwrap_or_default();
    state.stats.refusals.keep(refusal, client, state.clock.now_ms());
}
