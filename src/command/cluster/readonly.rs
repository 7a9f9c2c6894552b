//! `READONLY`: reads of this connection are answered with what this node has applied.

use crate::command::{Args, Command, Flags, Group, KeySpec, Local, ReadConsistency, Session, Spec};
use crate::error::Answer;
use crate::resp::Reply;

pub struct Readonly;

impl Command for Readonly {
    const SPEC: Spec = Spec {
        name: "READONLY",
        aliases: &[],
        arity: 1,
        keys: KeySpec::NONE,
        group: Group::Cluster,
        since: "3.0.0",
        complexity: "O(1)",
        summary: "Reads of this connection are answered with what this node has applied.",
        syntax: "",
    };
    const FLAGS: Flags = Flags { without: &["noscript"], categories: &["@connection"], ..Flags::NONE };
}

impl Local for Readonly {
    fn run(_args: &mut Args<'_>, session: &mut Session) -> Result<Reply, Answer> {
        session.read_consistency = Some(ReadConsistency::Local);
        Ok(Reply::OK)
    }
}
