//! Redis' persistence commands, applied to the log and the snapshots.
//!
//! * `SAVE`: takes a snapshot and waits for it. Other clients are served meanwhile.
//! * `BGSAVE`: starts a snapshot.
//! * `BGREWRITEAOF`: starts a snapshot, after which the log is purged. This corresponds to a
//!   rewrite of Redis' append-only file.
//! * `LASTSAVE`: returns the time of the last complete snapshot.

use crate::command::{Args, Command, Control, Flags, Group, KeySpec, Node, Operate, Running, Session, Spec};
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
        complexity: "O(N), N: all keys",
        summary: "Takes a snapshot, and replies once it is on disk.",
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

pub struct Bgsave;

impl Command for Bgsave {
    const SPEC: Spec = Spec {
        name: "BGSAVE",
        aliases: &[],
        arity: -1,
        keys: KeySpec::NONE,
        group: Group::Server,
        since: "1.0.0",
        complexity: "O(1)",
        summary: "Starts a snapshot; INFO reports when it has ended.",
        syntax: "[SCHEDULE]",
    };
    const FLAGS: Flags =
        Flags { also: &["no_async_loading"], without: &["loading", "stale"], ..Flags::DEFAULT };
}

impl Control for Bgsave {
    fn run(args: &mut Args<'_>, _session: &mut Session, node: &dyn Node) -> Result<Reply, CommandError> {
        args.keyword("SCHEDULE");
        args.finish()?;
        match node.begin_snapshot() {
            true => Ok(Reply::Simple("Background saving started")),
            false => Err(CommandError::fixed("ERR Background save already in progress")),
        }
    }
}

pub struct Bgrewriteaof;

impl Command for Bgrewriteaof {
    const SPEC: Spec = Spec {
        name: "BGREWRITEAOF",
        aliases: &[],
        arity: 1,
        keys: KeySpec::NONE,
        group: Group::Server,
        since: "1.0.0",
        complexity: "O(1)",
        summary: "Starts a snapshot, and then purges the log up to the previous snapshot.",
        syntax: "",
    };
    const FLAGS: Flags =
        Flags { also: &["no_async_loading"], without: &["loading", "stale"], ..Flags::DEFAULT };
}

impl Control for Bgrewriteaof {
    fn run(_args: &mut Args<'_>, _session: &mut Session, node: &dyn Node) -> Result<Reply, CommandError> {
        match node.begin_snapshot() {
            true => Ok(Reply::Simple("Background append only file rewriting started")),
            false => {
                Err(CommandError::fixed("ERR Background append only file rewriting already in progress"))
            }
        }
    }
}

pub struct Lastsave;

impl Command for Lastsave {
    const SPEC: Spec = Spec {
        name: "LASTSAVE",
        aliases: &[],
        arity: 1,
        keys: KeySpec::NONE,
        group: Group::Server,
        since: "1.0.0",
        complexity: "O(1)",
        summary: "Reports the Unix time of the last snapshot, or of the node's start.",
        syntax: "",
    };
    const FLAGS: Flags = Flags {
        fast: true,
        admin: Some(false),
        without: &["noscript"],
        categories: &["@admin", "@dangerous"],
        ..Flags::DEFAULT
    };
}

impl Control for Lastsave {
    fn run(_args: &mut Args<'_>, _session: &mut Session, node: &dyn Node) -> Result<Reply, CommandError> {
        Ok(Reply::Integer(node.last_save_seconds() as i64))
    }
}
