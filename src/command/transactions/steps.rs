//! The commands of transactions. Each command only names its [`Step`], which the connection's
//! dispatcher executes.
//!
//! * `MULTI`: starts a transaction.
//! * `EXEC`: executes the queued commands.
//! * `DISCARD`: discards the queued commands.
//! * `WATCH key ..`: makes the next EXEC do nothing if one of the keys changes before it.
//! * `UNWATCH`: forgets the watched keys.

use super::Step;
use crate::command::{Command, Flags, Group, KeySpec, Spec, Transact, Usage};

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
        summary: "Begins to queue commands for EXEC.",
        syntax: "",
    };
    const FLAGS: Flags = Flags { at_once: true, also: &["allow_busy"], ..Flags::DEFAULT };
}

impl Transact for Multi {
    const STEP: Step = Step::Multi;
}

pub struct Exec;

impl Command for Exec {
    const SPEC: Spec = Spec {
        name: "EXEC",
        aliases: &[],
        arity: 1,
        keys: KeySpec::NONE,
        group: Group::Transactions,
        since: "1.2.0",
        complexity: "That of the queued commands",
        summary: "Runs the queued commands as one entry of the log.",
        syntax: "",
    };
    const FLAGS: Flags =
        Flags { at_once: true, also: &["skip_slowlog"], without: &["fast"], ..Flags::DEFAULT };
}

impl Transact for Exec {
    const STEP: Step = Step::Exec;
}

pub struct Discard;

impl Command for Discard {
    const SPEC: Spec = Spec {
        name: "DISCARD",
        aliases: &[],
        arity: 1,
        keys: KeySpec::NONE,
        group: Group::Transactions,
        since: "2.0.0",
        complexity: "O(N), N: commands queued",
        summary: "Drops the queued commands and the watched keys.",
        syntax: "",
    };
    const FLAGS: Flags = Flags { at_once: true, also: &["allow_busy"], ..Flags::DEFAULT };
}

impl Transact for Discard {
    const STEP: Step = Step::Discard;
}

pub struct Watch;

impl Command for Watch {
    const SPEC: Spec = Spec {
        name: "WATCH",
        aliases: &[],
        arity: -2,
        keys: KeySpec::ALL.used(Usage::INSPECTED),
        group: Group::Transactions,
        since: "2.2.0",
        complexity: "O(1) a key",
        summary: "Makes EXEC do nothing if one of the keys is changed before it.",
        syntax: "key [key ...]",
    };
    const FLAGS: Flags = Flags { at_once: true, also: &["allow_busy"], ..Flags::DEFAULT };
}

impl Transact for Watch {
    const STEP: Step = Step::Watch;
}

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
        summary: "Stops watching all keys.",
        syntax: "",
    };
    const FLAGS: Flags = Flags { also: &["allow_busy"], ..Flags::DEFAULT };
}

impl Transact for Unwatch {
    const STEP: Step = Step::Unwatch;
}
