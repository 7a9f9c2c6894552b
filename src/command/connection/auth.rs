//! `AUTH [username] password`: says who the client is.

use crate::command::{Args, Command, Control, DEFAULT_USER, Flags, Group, KeySpec, Node, Session, Spec};
use crate::error::CommandError;
use crate::resp::Reply;

const NO_PASSWORD: CommandError = CommandError::fixed(
    "ERR AUTH <password> called without any password configured for the default user. Are you sure your configuration is correct?",
);
const WRONG: CommandError =
    CommandError::fixed("WRONGPASS invalid username-password pair or user is disabled.");

/// The answer to everything else that a client sends before it has said who it is.
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
        summary: "Says who the client is.",
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

/// Makes the client the user of that name. One that fails stays who it was.
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
