//! Settings of a connection that clients of Redis Cluster send.
//!
//! * `ASKING`: a client of Redis Cluster says so before a request whose slot is being moved.
//! * `READONLY`: reads of this connection are answered with what this node has applied.
//! * `READWRITE`: reads of this connection are as fresh as the setting read-consistency says.

use super::DISABLED;
use crate::command::{Args, Command, Control, Flags, Group, KeySpec, Node, ReadConsistency, Session, Spec};
use crate::error::CommandError;
use crate::resp::Reply;

pub struct Asking;

impl Command for Asking {
    const SPEC: Spec = Spec {
        name: "ASKING",
        aliases: &[],
        arity: 1,
        keys: KeySpec::NONE,
        group: Group::Cluster,
        since: "3.0.0",
        complexity: "O(1)",
        summary: "Is accepted and means nothing: no slot is ever on its way between two nodes.",
        syntax: "",
    };
    const FLAGS: Flags = Flags {
        fast: true,
        without: &["noscript", "loading", "stale"],
        categories: &["@connection"],
        ..Flags::DEFAULT
    };
}

impl Control for Asking {
    fn run(_args: &mut Args<'_>, _session: &mut Session, node: &dyn Node) -> Result<Reply, CommandError> {
        if node.cluster_enabled() { Ok(Reply::OK) } else { Err(DISABLED) }
    }
}

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
    const FLAGS: Flags =
        Flags { fast: true, without: &["noscript"], categories: &["@connection"], ..Flags::DEFAULT };
}

/// Redis has these commands in a cluster alone. A group of several nodes is one: there the level of
/// reads makes a difference. On a node that is alone it makes none, and `CLIENT READ-CONSISTENCY`
/// sets it all the same.
pub(super) fn check(node: &dyn Node) -> Result<(), CommandError> {
    match node.cluster_enabled() || node.topology().members.len() > 1 {
        true => Ok(()),
        false => Err(DISABLED),
    }
}

impl Control for Readonly {
    fn run(_args: &mut Args<'_>, session: &mut Session, node: &dyn Node) -> Result<Reply, CommandError> {
        check(node)?;
        session.read_consistency = Some(ReadConsistency::Local);
        Ok(Reply::OK)
    }
}

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
