//! `TIME`: what time it is for deadlines, on every node the same within the time that a message takes.

use crate::command::{Args, Command, Control, Flags, Group, KeySpec, Node, Session, Spec};
use crate::error::CommandError;
use crate::resp::Reply;

pub struct Time;

impl Command for Time {
    const SPEC: Spec = Spec {
        name: "TIME",
        aliases: &[],
        arity: 1,
        keys: KeySpec::NONE,
        group: Group::Server,
        since: "2.6.0",
        complexity: "O(1)",
        summary: "The cluster's time: unix seconds, and microseconds within the second.",
        syntax: "",
    };
    const FLAGS: Flags = Flags { fast: true, admin: Some(false), without: &["noscript"], ..Flags::DEFAULT };
}

impl Control for Time {
    fn run(_args: &mut Args<'_>, _session: &mut Session, node: &dyn Node) -> Result<Reply, CommandError> {
        let now_ms = node.group_time_ms();
        let seconds = (now_ms / 1000).to_string();
        let micros = (now_ms % 1000 * 1000).to_string();
        Ok(Reply::Array(vec![Reply::bulk(seconds), Reply::bulk(micros)]))
    }
}
