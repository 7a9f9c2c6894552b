//! `WATCH key ..`: has the next EXEC do nothing if one of these keys changes before it.

use crate::command::transactions::Step;
use crate::command::{Command, Flags, Group, KeySpec, Spec, Transact, Usage};

pub struct Watch;

impl Command for Watch {
    const SPEC: Spec = Spec {
        name: "WATCH",
        aliases: &[],
        arity: -2,
        keys: KeySpec::ALL.used(Usage::LOOKED_AT),
        group: Group::Transactions,
        since: "2.2.0",
        complexity: "O(1) for every key",
        summary: "Monitors changes to keys to determine the execution of a transaction.",
        syntax: "key [key ...]",
    };
    const FLAGS: Flags = Flags { at_once: true, also: &["allow_busy"], ..Flags::DEFAULT };
}

impl Transact for Watch {
    const STEP: Step = Step::Watch;
}
