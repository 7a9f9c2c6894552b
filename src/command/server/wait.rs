//! `WAIT numreplicas timeout` and `WAITAOF numlocal numreplicas timeout`: wait until members have
//! all earlier writes, or until the timeout has passed.
//!
//! An acknowledged write is on the disks of a majority, so durability does not depend on these
//! commands. They can wait for more members than a majority. The timeout is in milliseconds; 0
//! means that there is none.

use std::time::Duration;

use crate::command::{Args, Command, Flags, Group, KeySpec, Node, Operate, Running, Spec};
use crate::error::CommandError;
use crate::resp::Reply;

pub struct Wait {
    replicas: u64,
    patience: Option<Duration>,
}

impl Command for Wait {
    const SPEC: Spec = Spec {
        name: "WAIT",
        aliases: &[],
        arity: 3,
        keys: KeySpec::NONE,
        group: Group::Generic,
        since: "3.0.0",
        complexity: "O(1)",
        summary: "Waits until enough followers have all writes, and counts these followers.",
        syntax: "numreplicas timeout",
    };
    const FLAGS: Flags = Flags {
        blocking: true,
        not_in_multi: true,
        admin: Some(false),
        without: &["noscript", "loading", "stale", "@keyspace"],
        categories: &["@connection"],
        ..Flags::DEFAULT
    };
}

impl Operate for Wait {
    fn parse(args: &mut Args<'_>) -> Result<Wait, CommandError> {
        // As in Redis, a negative number is satisfied at once.
        let replicas = args.integer()?.max(0) as u64;
        Ok(Wait { replicas, patience: patience(args)? })
    }

    fn run(self, node: &dyn Node) -> Running<'_> {
        Box::pin(async move {
            let found = node.replicas_with_all(self.replicas, self.patience).await;
            Ok(Reply::Integer(found as i64))
        })
    }
}

pub struct Waitaof(Wait);

impl Command for Waitaof {
    const SPEC: Spec = Spec {
        name: "WAITAOF",
        aliases: &[],
        arity: 4,
        keys: KeySpec::NONE,
        group: Group::Generic,
        since: "7.2.0",
        complexity: "O(1)",
        summary: "Waits as WAIT does, and also reports 1 for the leader's own disk.",
        syntax: "numlocal numreplicas timeout",
    };
    const FLAGS: Flags = Flags {
        blocking: true,
        not_in_multi: true,
        admin: Some(false),
        without: &["noscript", "loading", "stale", "@keyspace"],
        categories: &["@connection"],
        ..Flags::DEFAULT
    };
}

impl Operate for Waitaof {
    fn parse(args: &mut Args<'_>) -> Result<Waitaof, CommandError> {
        if !matches!(args.integer()?, 0 | 1) {
            return Err(CommandError::fixed("ERR value is out of range, value must between 0 and 1"));
        }
        let replicas = u64::try_from(args.integer()?)
            .map_err(|_| CommandError::fixed("ERR value is out of range, must be positive"))?;
        Ok(Waitaof(Wait { replicas, patience: patience(args)? }))
    }

    fn run(self, node: &dyn Node) -> Running<'_> {
        Box::pin(async move {
            let found = node.replicas_with_all(self.0.replicas, self.0.patience).await;
            Ok(Reply::Array(vec![Reply::Integer(1), Reply::Integer(found as i64)]))
        })
    }
}

fn patience(args: &mut Args<'_>) -> Result<Option<Duration>, CommandError> {
    let millis =
        args.integer().map_err(|_| CommandError::fixed("ERR timeout is not an integer or out of range"))?;
    let millis = u64::try_from(millis).map_err(|_| CommandError::fixed("ERR timeout is negative"))?;
    Ok((millis > 0).then(|| Duration::from_millis(millis)))
}
