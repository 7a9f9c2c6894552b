//! `MULTI`: begins a transaction.

use crate::command::transactions::Step;
use crate::command::{Command, Flags, Group, KeySpec, Spec, Transact};

pub struct Multi;

impl Command for Multi {
    const SPEC: Spec = Spec {
        name: "MULTI",
        aliases: &[],
        arity: 1,
        keys: KeySpec::NONE,
        group: Group::Transactions,
        since: "1.2.0",
        complexity: "O(1)",
        summary: "Starts a transaction.",
        syntax: "",
    };
    const FLAGS: Flags = Flags { at_once: true, also: &["allow_busy"], ..Flags::DEFAULT };
}

impl Transact for Multi {
    const STEP: Step = Step::Multi;
}
