//! `HELLO [protover [AUTH username password] [SETNAME clientname]]`: switches the protocol and tells of the server.

use crate::command::server::module;
use crate::command::{Args, Command, Control, Group, KeySpec, Node, Session, Spec};
use crate::error::Answer;
use crate::resp::{Protocol, Reply};

use super::client::check_name;

/// The Redis version whose behaviour clients may expect.
pub const REDIS_VERSION: &str = "7.4.0";

pub struct Hello;

impl Command for Hello {
    const SPEC: Spec = Spec {
        name: "HELLO",
        aliases: &[],
        arity: -1,
        keys: KeySpec::NONE,
        group: Group::Connection,
        since: "0.1.0",
        summary: "Switches the protocol and tells of the server.",
        syntax: "[protover [AUTH username password] [SETNAME clientname]]",
    };
}

impl Control for Hello {
    fn run(args: &mut Args<'_>, session: &mut Session, node: &dyn Node) -> Result<Reply, Answer> {
        let mut protocol = session.protocol;
        let mut name = None;
        if let Some(version) = args.word_if_any() {
            protocol = match &version[..] {
                b"2" => Protocol::Resp2,
                b"3" => Protocol::Resp3,
                word if word.iter().all(u8::is_ascii_digit) => {
                    return Err(Answer::fixed("NOPROTO unsupported protocol version"));
                }
                _ => return Err(Answer::fixed("ERR Protocol version is not an integer or out of range")),
            };
        }
        while !args.is_empty() {
            if args.keyword("SETNAME") && args.left() >= 1 {
                name = Some(check_name(args.word()?)?);
            } else if args.keyword("AUTH") && args.left() >= 2 {
                authenticate(args)?;
            } else {
                return Err(Answer::fixed("ERR Syntax error in HELLO option"));
            }
        }
        session.protocol = protocol;
        if let Some(name) = name {
            session.name = name;
        }
        Ok(greeting(session, node))
    }
}

/// There is one user, `default`, and it has no password: any password is right for it, as in Redis.
fn authenticate(args: &mut Args<'_>) -> Result<(), Answer> {
    let user = args.word()?;
    args.word()?;
    if &user[..] == b"default" {
        return Ok(());
    }
    Err(Answer::fixed("WRONGPASS invalid username-password pair or user is disabled."))
}

fn greeting(session: &Session, node: &dyn Node) -> Reply {
    let mode = if node.cluster_enabled() { "cluster" } else { "standalone" };
    let role = if node.is_leader() { "master" } else { "replica" };
    Reply::Map(vec![
        (Reply::word("server"), Reply::word("redis")),
        (Reply::word("version"), Reply::word(REDIS_VERSION)),
        (Reply::word("proto"), Reply::Integer(if session.protocol == Protocol::Resp3 { 3 } else { 2 })),
        (Reply::word("id"), Reply::Integer(session.id as i64)),
        (Reply::word("mode"), Reply::word(mode)),
        (Reply::word("role"), Reply::word(role)),
        (Reply::word("modules"), Reply::Array(vec![module::rejson()])),
    ])
}
