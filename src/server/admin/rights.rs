//! The users as this node knows them, their changes, and its record of refused requests.

use bytes::Bytes;

use crate::acl::{DEFAULT_USER, User};
use crate::command::connection::client::line_of;
use crate::command::{Context, Node, Refusal, SeedSource, Session, table};
use crate::error::CommandError;
use crate::machine::Batch;
use crate::resp::{Protocol, Reply};
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

/// Proposes a change of users.
pub async fn change(
    state: &ServerState,
    command: &'static str,
    mut words: Vec<Bytes>,
) -> Result<Reply, CommandError> {
    let row = table::INTERNAL.iter().find(|row| row.spec.name == command);
    let row = row.expect("the change is in the table of internal commands");
    let changes_first = words.first().is_some_and(|name| &name[..] == DEFAULT_USER);
    if changes_first && state.keyspace.users().current().get(DEFAULT_USER).is_none() {
        // The first change of `default` takes its password over from the setting.
        let passwords = first_user(state).passwords.into_iter();
        words.splice(1..1, passwords.map(|digest| Bytes::from(format!("#{digest}"))));
    }
    let context =
        Context { protocol: Protocol::Resp2, now_ms: 0, document_bytes_max: 0, seed: SeedSource::Fixed(0) };
    let mut batch = Batch::new();
    batch.push(row, &words, &context)?;
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
