//! `UNWATCH`: forgets the keys of WATCH.

use crate::command::transactions::Step;
use crate::command::{Command, Flags, Group, KeySpec, Spec, Transact};

pub struct Unwatch;

impl Command for Unwatch {
    const SPEC: Spec = Spec {
        name: "UNWATCH",
        aliases: &[],
        arity: 1,
        keys: KeySpec::NONE,
        group: Group::Transactions,
        since: "2.2.0",
        complexity: "O(1)",
        summary: "Forgets about watched keys of a transaction.",
        syntax: "",
    };
    const FLAGS: Flags = Flags { also: &["allow_busy"], ..Flags::DEFAULT };
}

impl Transact for Unwatch {
    const STEP: Step = Step::Unwatch;
}
