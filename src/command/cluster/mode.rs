//! Connection settings of clients of Redis Cluster.
//!
//! * `ASKING`: accepted and ignored in cluster mode; clients send it before a request to a slot
//!   that is being moved.
//! * `READONLY`: reads of this connection return the state that this node has applied.
//! * `READWRITE`: reads of this connection follow the setting `read-consistency`.

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
        summary: "Does nothing, because slots never move between nodes.",
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
        summary: "Makes this connection read the state that this node has applied so far.",
        syntax: "",
    };
    const FLAGS: Flags =
        Flags { fast: true, without: &["noscript"], categories: &["@connection"], ..Flags::DEFAULT };
}

/// Checks that READONLY and READWRITE are allowed. Redis allows them only in cluster mode. This
/// server also allows them in a cluster with several members: there, the state that one node has
/// applied may be older than that of the leader. (`CLIENT READ-CONSISTENCY` works on every node.)
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
        summary: "Makes this connection's reads follow the setting read-consistency.",
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
