//! `READWRITE`: reads of this connection are as fresh as the setting read-consistency says.

use crate::command::{Args, Command, Flags, Group, KeySpec, Local, Session, Spec};
use crate::error::Answer;
use crate::resp::Reply;

pub struct Readwrite;

impl Command for Readwrite {
    const SPEC: Spec = Spec {
        name: "READWRITE",
        aliases: &[],
        arity: 1,
        keys: KeySpec::NONE,
        group: Group::Cluster,
        since: "3.0.0",
        complexity: "O(1)",
        summary: "Reads of this connection are as fresh as the setting read-consistency says.",
        syntax: "",
    };
    const FLAGS: Flags = Flags { without: &["noscript"], categories: &["@connection"], ..Flags::NONE };
}

impl Local for Readwrite {
    fn run(_args: &mut Args<'_>, session: &mut Session) -> Result<Reply, Answer> {
        session.read_consistency = None;
        Ok(Reply::OK)
    }
}
