//! `DISCARD`: gives up what was queued since MULTI.

use crate::command::transactions::Step;
use crate::command::{Command, Flags, Group, KeySpec, Spec, Transact};

pub struct Discard;

impl Command for Discard {
    const SPEC: Spec = Spec {
        name: "DISCARD",
        aliases: &[],
        arity: 1,
        keys: KeySpec::NONE,
        group: Group::Transactions,
        since: "2.0.0",
        complexity: "O(N) with N the commands that were queued",
        summary: "Discards a transaction.",
        syntax: "",
    };
    const FLAGS: Flags = Flags { at_once: true, also: &["allow_busy"], ..Flags::DEFAULT };
}

impl Transact for Discard {
    const STEP: Step = Step::Discard;
}
