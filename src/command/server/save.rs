//! `SAVE`: takes a snapshot and waits for it. Others go on meanwhile, and no write depends on it.

use crate::command::{Args, Command, Flags, Group, KeySpec, Node, Operate, Running, Spec};
use crate::error::CommandError;
use crate::resp::Reply;

pub struct Save;

impl Command for Save {
    const SPEC: Spec = Spec {
        name: "SAVE",
        aliases: &[],
        arity: 1,
        keys: KeySpec::NONE,
        group: Group::Server,
        since: "1.0.0",
        complexity: "O(N) with N all keys",
        summary: "Takes a snapshot of the whole state, and answers when it is on disk.",
        syntax: "",
    };
    const FLAGS: Flags = Flags {
        not_in_multi: true,
        also: &["no_async_loading"],
        without: &["loading", "stale"],
        ..Flags::DEFAULT
    };
}

impl Operate for Save {
    fn parse(args: &mut Args<'_>) -> Result<Save, CommandError> {
        args.finish().map(|()| Save)
    }

    fn run(self, node: &dyn Node) -> Running<'_> {
        Box::pin(async move { node.save().await.map(|()| Reply::OK) })
    }
}
