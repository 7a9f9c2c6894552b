//! `EXEC`: does what was queued since MULTI.

use crate::command::transactions::Step;
use crate::command::{Command, Flags, Group, KeySpec, Spec, Transact};

pub struct Exec;

impl Command for Exec {
    const SPEC: Spec = Spec {
        name: "EXEC",
        aliases: &[],
        arity: 1,
        keys: KeySpec::NONE,
        group: Group::Transactions,
        since: "1.2.0",
        complexity: "As that of the commands in the transaction",
        summary: "Executes all commands in a transaction, as one entry of the log.",
        syntax: "",
    };
    const FLAGS: Flags =
        Flags { at_once: true, also: &["skip_slowlog"], without: &["fast"], ..Flags::DEFAULT };
}

impl Transact for Exec {
    const STEP: Step = Step::Exec;
}
