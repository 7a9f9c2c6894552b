//! `MEMORY STATS | DOCTOR | MALLOC-STATS | PURGE`: what the process holds.

use crate::command::connection::client::unknown_subcommand;
use crate::command::{Args, Command, Control, Group, KeySpec, Node, Session, Spec, subcommands};
use crate::error::Answer;
use crate::resp::Reply;

pub struct MemoryStats;

impl Command for MemoryStats {
    const SPEC: Spec = Spec {
        name: "MEMORY",
        aliases: &[],
        arity: -2,
        keys: KeySpec::NONE,
        group: Group::Server,
        since: "0.1.0",
        summary: "What the process holds in memory.",
        syntax: "(STATS | DOCTOR | MALLOC-STATS | PURGE | HELP)",
    };
}

impl Control for MemoryStats {
    fn run(args: &mut Args<'_>, _session: &mut Session, node: &dyn Node) -> Result<Reply, Answer> {
        let word = args.word()?;
        match (&word.to_ascii_uppercase()[..], args.left()) {
            (b"STATS", 0) => Ok(stats(node)),
            (b"DOCTOR", 0) => Ok(doctor(node)),
            (b"MALLOC-STATS", 0) => Ok(malloc_stats()),
            (b"PURGE", 0) => Ok(purge()),
            (b"HELP", 0) => Ok(subcommands::help(&Self::SPEC)),
            _ => Err(unknown_subcommand("MEMORY", word)),
        }
    }
}

/// The numbers, under the names of Redis where they mean the same.
pub fn stats(node: &dyn Node) -> Reply {
    let (memory, keys) = (node.memory(), node.keys() as u64);
    let integer = |number: u64| Reply::Integer(number as i64);
    let percent = |part: u64, whole: u64| Reply::Double(part as f64 * 100.0 / whole.max(1) as f64);
    let grown = memory.resident.saturating_sub(memory.startup);
    let fields = [
        ("peak.allocated", integer(memory.peak)),
        ("total.allocated", integer(memory.resident)),
        ("startup.allocated", integer(memory.startup)),
        ("keys.count", integer(keys)),
        ("keys.bytes-per-key", integer(grown.checked_div(keys).unwrap_or(0))),
        ("dataset.bytes", integer(grown)),
        ("dataset.percentage", percent(grown, memory.resident)),
        ("peak.percentage", percent(memory.resident, memory.peak)),
    ];
    Reply::Map(fields.map(|(name, value)| (Reply::word(name), value)).into())
}

/// What stands out in the numbers.
pub fn doctor(node: &dyn Node) -> Reply {
    let memory = node.memory();
    let text = if memory.resident == 0 {
        "The system does not tell what is resident.\n".to_string()
    } else if memory.peak > memory.resident.saturating_mul(3) / 2 {
        let (peak, resident) = (memory.peak, memory.resident);
        format!("At its peak the process held {peak} bytes; now it holds {resident}.\n")
    } else {
        format!(
            "Nothing stands out: the process holds {} bytes, {} at its peak.\n",
            memory.resident, memory.peak
        )
    };
    Reply::Verbatim(text.into())
}

/// The allocator keeps no statistics that could be read while it works.
pub fn malloc_stats() -> Reply {
    Reply::Verbatim("Stats not supported for the current allocator".into())
}

/// The server has the allocator give freed memory back every second, so there is nothing left to do.
pub fn purge() -> Reply {
    Reply::OK
}
