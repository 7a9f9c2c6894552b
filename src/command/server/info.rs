//! `INFO [section ...]`: what the node says of itself.

use crate::command::{Args, Command, Control, Flags, Group, KeySpec, Node, Session, Spec};
use crate::error::CommandError;
use crate::resp::Reply;

pub struct Info;

impl Command for Info {
    const SPEC: Spec = Spec {
        name: "INFO",
        aliases: &[],
        arity: -1,
        keys: KeySpec::NONE,
        group: Group::Server,
        since: "1.0.0",
        complexity: "O(1)",
        summary: "What the node says of itself, in sections.",
        syntax: "[section ...]",
    };
    const FLAGS: Flags =
        Flags { admin: Some(false), without: &["noscript"], categories: &["@dangerous"], ..Flags::DEFAULT };
}

impl Control for Info {
    fn run(args: &mut Args<'_>, _session: &mut Session, node: &dyn Node) -> Result<Reply, CommandError> {
        let section = |word: &bytes::Bytes| String::from_utf8_lossy(word).to_lowercase();
        let sections: Vec<String> = args.rest().iter().map(section).collect();
        Ok(Reply::Verbatim(node.info(&sections).into()))
    }
}
