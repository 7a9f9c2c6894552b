//! `READWRITE`: reads of this connection are as fresh as the setting read-consistency says.

use super::readonly::{Readonly, check};
use crate::command::{Args, Command, Control, Flags, Node, Session, Spec};
use crate::error::CommandError;
use crate::resp::Reply;

pub struct Readwrite;

impl Command for Readwrite {
    const SPEC: Spec = Spec {
        name: "READWRITE",
        summary: "Reads of this connection are as fresh as the setting read-consistency says.",
        ..Readonly::SPEC
    };
    const FLAGS: Flags = Readonly::FLAGS;
}

impl Control for Readwrite {
    fn run(_args: &mut Args<'_>, session: &mut Session, node: &dyn Node) -> Result<Reply, CommandError> {
        check(node)?;
        session.read_consistency = None;
        Ok(Reply::OK)
    }
}
