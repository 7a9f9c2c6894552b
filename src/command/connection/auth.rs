//! `AUTH [username] password`: authenticates the connection.

use crate::command::{Args, Command, Control, DEFAULT_USER, Flags, Group, KeySpec, Node, Session, Spec};
use crate::error::CommandError;
use crate::resp::Reply;

const NO_PASSWORD: CommandError = CommandError::fixed(
    "ERR AUTH <password> called without any password configured for the default user. Are you sure your configuration is correct?",
);
const WRONG: CommandError =
    CommandError::fixed("WRONGPASS invalid username-password pair or user is disabled.");

/// The error for all other commands of an unauthenticated client.
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
        complexity: "O(N) with N the passwords of the user",
        summary: "Authenticates the connection.",
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
            None if node.password_digest().is_none() => return Err(NO_PASSWORD),
            None => (DEFAULT_USER, first),
        };
        args.finish()?;
        log_in(user, password, session, node)?;
        Ok(Reply::OK)
    }
}

/// Authenticates the session. After a failure the session stays as it was.
pub fn log_in(
    user: &[u8],
    password: &[u8],
    session: &mut Session,
    node: &dyn Node,
) -> Result<(), CommandError> {
    if !node.authenticate(user, password) {
        return Err(WRONG);
    }
    session.authenticated = true;
    Ok(())
}
