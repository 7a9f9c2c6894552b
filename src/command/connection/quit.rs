//! `QUIT`: returns OK and closes the connection.

use crate::command::{Args, Command, Effects, Flags, Group, KeySpec, Manage, Node, Outcome, Session, Spec};
use crate::error::CommandError;
use crate::resp::Reply;

pub struct Quit;

impl Command for Quit {
    const SPEC: Spec = Spec {
        name: "QUIT",
        aliases: &[],
        arity: -1,
        keys: KeySpec::NONE,
        group: Group::Connection,
        since: "1.0.0",
        complexity: "O(1)",
        summary: "Closes the connection.",
        syntax: "",
    };
    const FLAGS: Flags = Flags {
        fast: true,
        at_once: true,
        while_subscribed: true,
        no_auth: true,
        also: &["allow_busy"],
        ..Flags::DEFAULT
    };
}

impl Manage for Quit {
    fn run(_args: &mut Args<'_>, _session: &mut Session, _node: &dyn Node) -> Result<Outcome, CommandError> {
        Ok(Outcome::new(Reply::OK, Effects { close: true, ..Effects::default() }))
    }
}
