//! `UNWATCH`: forgets the keys of WATCH.

use crate::command::transactions::Step;
use crate::command::{Command, Group, KeySpec, Spec, Transact};

pub struct Unwatch;

impl Command for Unwatch {
    const SPEC: Spec = Spec {
        name: "UNWATCH",
        aliases: &[],
        arity: 1,
        keys: KeySpec::NONE,
        group: Group::Transactions,
        since: "0.1.0",
        summary: "Forgets the keys of WATCH.",
        syntax: "",
    };
}

impl Transact for Unwatch {
    const STEP: Step = Step::Unwatch;
}
