//! Authentication and the choice of the protocol.
//!
//! * `AUTH [username] password`: authenticates the connection.
//! * `HELLO [protover [AUTH username password] [SETNAME clientname]]`: selects the protocol version
//!   and returns information about the server.

use bytes::Bytes;

use super::client::check_name;
use crate::acl::DEFAULT_USER;
use crate::command::server::instance::rejson;
use crate::command::{Args, Command, Control, Flags, Group, KeySpec, Node, Refusal, Session, Spec};
use crate::error::CommandError;
use crate::resp::{Protocol, Reply};

const NO_PASSWORD: CommandError = CommandError::fixed(
    "ERR AUTH <password> called without any password configured for the default user. Are you sure your configuration is correct?",
);
const WRONG: CommandError =
    CommandError::fixed("WRONGPASS invalid username-password pair or user is disabled.");

/// The error for a command that requires authentication, if the client has not authenticated.
pub const REQUIRED: CommandError = CommandError::fixed("NOAUTH Authentication required.");

pub struct Auth;

impl Command for Auth {
    const SPEC: Spec = Spec {
        name: "AUTH",
        aliases: &[],
        arity: -2,
        keys: KeySpec::NONE,
        group: Group::Connection,
        since: "1.0.0",
        complexity: "O(N), N: passwords of the user",
        summary: "Authenticates the connection as a user.",
        syntax: "[username] password",
    };
    const FLAGS: Flags =
        Flags { fast: true, no_auth: true, skip_monitor: true, also: &["allow_busy"], ..Flags::DEFAULT };
}

impl Control for Auth {
    fn run(args: &mut Args<'_>, session: &mut Session, node: &dyn Node) -> Result<Reply, CommandError> {
        let first = args.word()?;
        let (user, password) = match args.word_if_any() {
            Some(password) => (&first[..], password),
            None if admits_everybody(node) => return Err(NO_PASSWORD),
            None => (DEFAULT_USER, first),
        };
        args.finish()?;
        log_in("AUTH", user, password, session, node)?;
        Ok(Reply::OK)
    }
}

/// Authenticates the session. If that fails, the session is unchanged.
pub fn log_in(
    command: &'static str,
    user: &[u8],
    password: &[u8],
    session: &mut Session,
    node: &dyn Node,
) -> Result<(), CommandError> {
    if !node.user(user).is_some_and(|known| known.admits(password)) {
        let (reason, object, in_transaction) = ("auth", command.as_bytes(), session.queued.is_some());
        node.note_refusal(session, Refusal { reason, in_transaction, object, user });
        return Err(WRONG);
    }
    session.user = if user == DEFAULT_USER { Bytes::new() } else { Bytes::copy_from_slice(user) };
    session.authenticated = true;
    Ok(())
}

/// Whether a client that has not authenticated is the user `default`.
fn admits_everybody(node: &dyn Node) -> bool {
    node.user(DEFAULT_USER).is_some_and(|user| user.admits_everybody())
}

const NOT_AUTHENTICATED: CommandError = CommandError::fixed(
    "NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO <proto> AUTH <user> <pass> option can be used to authenticate the client and select the RESP protocol version at the same time",
);

/// The version of Redis that clients are told, and whose behaviour they may expect.
pub const REDIS_VERSION: &str = "7.4.0";

pub struct Hello;

impl Command for Hello {
    const SPEC: Spec = Spec {
        name: "HELLO",
        aliases: &[],
        arity: -1,
        keys: KeySpec::NONE,
        group: Group::Connection,
        since: "6.0.0",
        complexity: "O(1)",
        summary: "Selects the protocol version and describes the server.",
        syntax: "[protover [AUTH username password] [SETNAME clientname]]",
    };
    const FLAGS: Flags =
        Flags { skip_monitor: true, no_auth: true, fast: true, also: &["allow_busy"], ..Flags::DEFAULT };
}

impl Control for Hello {
    fn run(args: &mut Args<'_>, session: &mut Session, node: &dyn Node) -> Result<Reply, CommandError> {
        let mut protocol = session.protocol;
        let mut name = None;
        if let Some(version) = args.word_if_any() {
            protocol = match &version[..] {
                b"2" => Protocol::Resp2,
                b"3" => Protocol::Resp3,
                word if word.iter().all(u8::is_ascii_digit) => {
                    return Err(CommandError::fixed("NOPROTO unsupported protocol version"));
                }
                _ => {
                    return Err(CommandError::fixed(
                        "ERR Protocol version is not an integer or out of range",
                    ));
                }
            };
        }
        while let Some(option) = args.word_if_any() {
            match (&option.to_ascii_uppercase()[..], args.left()) {
                (b"SETNAME", 1..) => name = Some(check_name(args.word()?)?),
                (b"AUTH", 2..) => log_in("HELLO", args.word()?, args.word()?, session, node)?,
                _ => {
                    let option = String::from_utf8_lossy(&option[..option.len().min(128)]);
                    return Err(CommandError::new(format!("ERR Syntax error in HELLO option '{option}'")));
                }
            }
        }
        if !session.authenticated && !admits_everybody(node) {
            return Err(NOT_AUTHENTICATED);
        }
        session.protocol = protocol;
        if let Some(name) = name {
            session.name = name;
        }
        Ok(greeting(session, node))
    }
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
        (Reply::word("modules"), Reply::Array(vec![rejson()])),
    ])
}
