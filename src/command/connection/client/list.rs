//! `CLIENT LIST [TYPE type] [ID id ..]` and `CLIENT INFO`: connections, one on a line.

use std::fmt::Write;

use crate::command::{Args, ClientLine, Node, Session};
use crate::error::Answer;
use crate::resp::{Protocol, Reply};

/// The connection that asks.
pub fn own(session: &Session, node: &dyn Node) -> String {
    let now_ms = node.now_ms();
    let line =
        ClientLine { session: session.clone(), last_command: "client|info".to_string(), active_ms: now_ms };
    line_of(&line, now_ms)
}

/// Those that were asked for.
pub fn all(args: &mut Args<'_>, node: &dyn Node) -> Result<Reply, Answer> {
    let (mut kind, mut ids) = (None, None);
    while !args.is_empty() {
        if args.left() >= 2 && args.keyword("TYPE") {
            kind = Some(listens(args.word()?)?);
        } else if args.left() >= 2 && args.keyword("ID") {
            let wanted: Result<Vec<u64>, Answer> = args.rest().iter().map(|id| client_id(id)).collect();
            ids = Some(wanted?);
        } else {
            return Err(Answer::SYNTAX);
        }
    }
    let wanted = |line: &ClientLine| {
        kind.is_none_or(|kind| kind == Some(line.session.subscribed.total() > 0))
            && ids.as_ref().is_none_or(|ids| ids.contains(&line.session.id))
    };
    let mut text = String::new();
    for line in node.clients().iter().filter(|line| wanted(line)) {
        text.push_str(&line_of(line, node.now_ms()));
        text.push('\n');
    }
    Ok(Reply::Verbatim(text.into()))
}

/// Whether clients of a type are those that have subscribed to something; `None` for types of which there are none.
pub fn listens(word: &[u8]) -> Result<Option<bool>, Answer> {
    match &word.to_ascii_lowercase()[..] {
        b"normal" => Ok(Some(false)),
        b"pubsub" => Ok(Some(true)),
        // Nodes talk to each other on ports of their own.
        b"master" | b"replica" | b"slave" => Ok(None),
        _ => Err(Answer::new(format!("ERR Unknown client type '{}'", String::from_utf8_lossy(word)))),
    }
}

pub fn client_id(word: &[u8]) -> Result<u64, Answer> {
    let id = std::str::from_utf8(word).ok().and_then(|text| text.parse().ok()).filter(|&id| id > 0);
    id.ok_or(Answer::fixed("ERR Invalid client ID"))
}

fn flags(session: &Session) -> String {
    let tracking = session.tracking.as_ref();
    let letters = [
        ('O', session.monitors),
        ('P', session.subscribed.total() > 0),
        ('x', session.queued.is_some()),
        ('t', tracking.is_some()),
        ('B', tracking.is_some_and(|tracking| tracking.broadcast)),
    ];
    let set: String = letters.iter().filter(|(_, set)| *set).map(|(letter, _)| *letter).collect();
    if set.is_empty() { "N".to_string() } else { set }
}

fn line_of(line: &ClientLine, now_ms: u64) -> String {
    let session = &line.session;
    let seconds_since = |then_ms: u64| now_ms.saturating_sub(then_ms) / 1000;
    let redirect = match &session.tracking {
        Some(tracking) => tracking.redirect.map_or(0, |id| id as i64),
        None => -1,
    };
    let mut text = format!(
        "id={} addr={} laddr={} name={} age={} idle={}",
        session.id,
        session.address,
        session.local_address,
        session.name,
        seconds_since(session.connected_ms),
        seconds_since(line.active_ms),
    );
    let proto = if session.protocol == Protocol::Resp3 { 3 } else { 2 };
    let written = write!(
        text,
        " flags={} db=0 sub={} psub={} ssub={} multi={} watch={} cmd={} user=default redir={redirect} resp={proto} lib-name={} lib-ver={}",
        flags(session),
        session.subscribed.channels,
        session.subscribed.patterns,
        session.subscribed.shards,
        session.queued.map_or(-1, |queued| queued as i64),
        session.watched,
        line.last_command,
        session.library_name,
        session.library_version,
    );
    written.expect("a string takes any text");
    text
}
