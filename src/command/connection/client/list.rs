//! `CLIENT LIST [TYPE type] [ID id ..]` and `CLIENT INFO`: lists connections, one per line.

use std::fmt::Write;

use super::{number, tracking};
use crate::command::{Args, ClientLine, Node, Session};
use crate::error::CommandError;
use crate::resp::{Protocol, Reply};

const INVALID_ID: &str = "ERR Invalid client ID";

/// The line for the caller's connection.
pub fn own(session: &Session, node: &dyn Node) -> String {
    let line = node.client(session.id).map(|line| ClientLine { session: session.clone(), ..line });
    line.map_or_else(String::new, |line| line_of(&line, node))
}

/// The lines for the selected connections.
pub fn all(args: &mut Args<'_>, session: &Session, node: &dyn Node) -> Result<Reply, CommandError> {
    let (mut kind, mut ids) = (None, None);
    while !args.is_empty() {
        if args.left() >= 2 && args.keyword("TYPE") {
            kind = Some(has_subscriptions(args.word()?)?);
        } else if args.left() >= 2 && args.keyword("ID") {
            // Ids begin at 1; a smaller number selects no client.
            let wanted: Result<Vec<i64>, CommandError> =
                args.rest().iter().map(|id| number(id, INVALID_ID)).collect();
            ids = Some(wanted?);
        } else {
            return Err(CommandError::SYNTAX);
        }
    }
    let wanted = |line: &ClientLine| {
        kind.is_none_or(|kind| kind == Some(line.session.subscribed.total() > 0))
            && ids.as_ref().is_none_or(|ids| ids.contains(&(line.session.id as i64)))
    };
    let mut text = String::new();
    for mut line in node.clients() {
        // The registry has each session as it was after the last batch; the caller's own session is
        // newer.
        if line.session.id == session.id {
            line.session = session.clone();
        }
        if !wanted(&line) {
            continue;
        }
        text.push_str(&line_of(&line, node));
        text.push('\n');
    }
    Ok(Reply::Verbatim(text.into()))
}

/// Parses a type of clients. `Some` says whether the type means clients with subscriptions; `None`
/// means a type of which this server has no clients.
pub fn has_subscriptions(word: &[u8]) -> Result<Option<bool>, CommandError> {
    match &word.to_ascii_lowercase()[..] {
        b"normal" => Ok(Some(false)),
        b"pubsub" => Ok(Some(true)),
        // Nodes connect to each other on a separate port, so none of these are clients.
        b"master" | b"replica" | b"slave" => Ok(None),
        _ => Err(CommandError::new(format!("ERR Unknown client type '{}'", String::from_utf8_lossy(word)))),
    }
}

pub fn client_id(word: &[u8]) -> Result<u64, CommandError> {
    let id = std::str::from_utf8(word).ok().and_then(|text| text.parse().ok()).filter(|&id| id > 0);
    id.ok_or(CommandError::fixed(INVALID_ID))
}

fn flags(session: &Session, node: &dyn Node) -> String {
    let tracking = session.tracking.as_ref();
    let letters = [
        ('O', session.monitors),
        ('P', session.subscribed.total() > 0),
        ('x', session.queued.is_some()),
        ('t', tracking.is_some()),
        ('R', tracking::is_broken(session, node)),
        ('B', tracking.is_some_and(|tracking| tracking.broadcast)),
        ('e', session.no_evict),
        ('T', session.no_touch),
    ];
    let set: String = letters.iter().filter(|(_, set)| *set).map(|(letter, _)| *letter).collect();
    if set.is_empty() { "N".to_string() } else { set }
}

/// The line of a connection in `CLIENT LIST`.
pub fn line_of(line: &ClientLine, node: &dyn Node) -> String {
    let now_ms = node.now_ms();
    let session = &line.session;
    let seconds_since = |then_ms: u64| now_ms.saturating_sub(then_ms) / 1000;
    let redirect = match &session.tracking {
        Some(tracking) => tracking.redirect.map_or(0, |id| id as i64),
        None => -1,
    };
    let mut text = format!(
        "id={} addr={} laddr={} fd={} name={} age={} idle={}",
        session.id,
        session.address,
        session.local_address,
        session.descriptor,
        session.name,
        seconds_since(session.connected_ms),
        seconds_since(line.active_ms),
    );
    let proto = if session.protocol == Protocol::Resp3 { 3 } else { 2 };
    let written = write!(
        text,
        " flags={} db=0 sub={} psub={} ssub={} multi={} watch={}",
        flags(session, node),
        session.subscribed.channels,
        session.subscribed.patterns,
        session.subscribed.shards,
        session.queued.map_or(-1, |queued| queued as i64),
        session.watched,
    );
    written.expect("writing to a string cannot fail");
    let held = &line.buffers;
    let written = write!(
        text,
        " qbuf={} qbuf-free={} argv-mem={} multi-mem={} rbs={} rbp={} obl={} oll={} omem={} tot-mem={} events={}",
        held.input,
        held.input_room,
        held.arguments,
        held.queued,
        held.output_room,
        held.output_peak,
        held.output,
        held.messages,
        held.message_bytes,
        held.total(),
        if held.writes { "rw" } else { "r" },
    );
    written.expect("writing to a string cannot fail");
    let written = write!(
        text,
        " cmd={} user={} redir={redirect} resp={proto} lib-name={} lib-ver={}",
        line.last_command,
        String::from_utf8_lossy(session.user()),
        session.library_name,
        session.library_version,
    );
    written.expect("writing to a string cannot fail");
    text
}
