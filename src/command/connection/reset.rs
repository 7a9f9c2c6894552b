//! `RESET`: resets the connection to the state of a new one.

use crate::command::{Args, Command, Effects, Flags, Group, KeySpec, Manage, Node, Outcome, Session, Spec};
use crate::error::CommandError;
use crate::resp::Reply;

pub struct Reset;

impl Command for Reset {
    const SPEC: Spec = Spec {
        name: "RESET",
        aliases: &[],
        arity: 1,
        keys: KeySpec::NONE,
        group: Group::Connection,
        since: "6.2.0",
        complexity: "O(1)",
        summary: "Resets the connection.",
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

impl Manage for Reset {
    fn run(_args: &mut Args<'_>, session: &mut Session, node: &dyn Node) -> Result<Outcome, CommandError> {
        node.client_registry().forget(session.id);
        session.reset();
        let effects = Effects { reset_transaction: true, ..Effects::default() };
        Ok(Outcome::new(Reply::Simple("RESET"), effects))
    }
}
