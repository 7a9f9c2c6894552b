//! `MEMORY USAGE key [SAMPLES count] | STATS | DOCTOR | MALLOC-STATS | PURGE`: shows the memory of
//! a key and of the process.

use bytes::Bytes;

use crate::command::framework::subcommands;
use crate::command::{
    Args, Command, Flags, Group, KeySpec, Node, Operate, ReadConsistency, ReadFn, Running, Session, Spec,
    Subcommand, Usage,
};
use crate::error::CommandError;
use crate::keyspace::{Scope, View};
use crate::resp::Reply;

pub enum Memory {
    /// The key, and the consistency of the read. `SAMPLES` is accepted and ignored, because the
    /// size of a collection is known without sampling its elements.
    Usage(Bytes, Option<ReadConsistency>),
    Stats,
    Doctor,
    MallocStats,
    Purge,
    Help,
}

impl Command for Memory {
    const SPEC: Spec = Spec {
        name: "MEMORY",
        aliases: &[],
        arity: -2,
        keys: KeySpec::new(2, 2, 1).used(Usage::INSPECTED),
        group: Group::Server,
        since: "4.0.0",
        complexity: "That of the subcommand",
        summary: "Reports how much memory a key or the process uses.",
        syntax: "",
    };
    const FLAGS: Flags =
        Flags { admin: Some(false), without: &["noscript", "loading", "stale"], ..Flags::DEFAULT };
    const SUBCOMMANDS: &'static [Subcommand] = &[
        Subcommand::new(
            "USAGE",
            "key [SAMPLES count]",
            "4.0.0",
            "O(N), N: samples",
            "Estimates the bytes of memory that a key takes.",
        )
        .also(&["readonly"]),
        Subcommand::new(
            "STATS",
            "",
            "4.0.0",
            "O(1)",
            "Shows the memory of the process and its data in figures.",
        ),
        Subcommand::new(
            "DOCTOR",
            "",
            "4.0.0",
            "O(1)",
            "Assesses in words whether the process has used much more memory before.",
        ),
        Subcommand::new("MALLOC-STATS", "", "4.0.0", "", "Reports that the allocator has no statistics."),
        Subcommand::new(
            "PURGE",
            "",
            "4.0.0",
            "",
            "Does nothing, because freed memory is returned every second.",
        ),
        Subcommand::help("4.0.0"),
    ];
}

impl Operate for Memory {
    fn parse(args: &mut Args<'_>) -> Result<Memory, CommandError> {
        let word = args.word()?;
        match (&word.to_ascii_uppercase()[..], args.left()) {
            (b"USAGE", _) => usage(args),
            (b"STATS", 0) => Ok(Memory::Stats),
            (b"DOCTOR", 0) => Ok(Memory::Doctor),
            (b"MALLOC-STATS", 0) => Ok(Memory::MallocStats),
            (b"PURGE", 0) => Ok(Memory::Purge),
            (b"HELP", 0) => Ok(Memory::Help),
            _ => Err(args.wrong_subcommand(word)),
        }
    }

    fn for_session(self, session: &Session) -> Memory {
        match self {
            Memory::Usage(key, _) => Memory::Usage(key, session.read_consistency),
            other => other,
        }
    }

    fn reads(words: &[Bytes]) -> Option<ReadFn> {
        let is_usage = words.first().is_some_and(|word| word.eq_ignore_ascii_case(b"USAGE"));
        let run: ReadFn = |words, context, access| {
            let Memory::Usage(key, _) = Memory::parse(&mut Args::new(Memory::SPEC.name, words))? else {
                unreachable!("this function runs only USAGE")
            };
            Ok(usage_of(&access.view(Scope::OneKey, context.now_ms), &key))
        };
        is_usage.then_some(run)
    }

    fn run(self, node: &dyn Node) -> Running<'_> {
        let reply = match self {
            Memory::Usage(key, consistency) => return node.memory_usage(key, consistency),
            Memory::Stats => stats(node),
            Memory::Doctor => doctor(node),
            Memory::MallocStats => malloc_stats(),
            Memory::Purge => purge(),
            Memory::Help => subcommands::help::<Self>(),
        };
        Box::pin(async { Ok(reply) })
    }
}

/// The memory that a key takes, in bytes; null if the key does not exist.
pub fn usage_of(keyspace: &View<'_>, key: &Bytes) -> Reply {
    let bytes = keyspace.memory_bytes(key);
    bytes.map_or(Reply::Null, |bytes| Reply::Integer(bytes as i64))
}

fn usage(args: &mut Args<'_>) -> Result<Memory, CommandError> {
    if args.is_empty() {
        return Err(CommandError::wrong_arity("memory|usage"));
    }
    let key = args.word()?.clone();
    while !args.is_empty() {
        if args.left() < 2 || !args.keyword("SAMPLES") || args.integer()? < 0 {
            return Err(CommandError::SYNTAX);
        }
    }
    Ok(Memory::Usage(key, None))
}

/// Returns those of Redis' figures that follow from the process's memory and the number of keys.
/// The resident memory stands for the allocated memory, because the allocator has no statistics.
fn stats(node: &dyn Node) -> Reply {
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

/// An assessment of the figures in words.
fn doctor(node: &dyn Node) -> Reply {
    let memory = node.memory();
    let text = if memory.resident == 0 {
        "The operating system does not report the resident memory.\n".to_string()
    } else if memory.peak > memory.resident.saturating_mul(3) / 2 {
        let (peak, resident) = (memory.peak, memory.resident);
        format!("High peak: the process used {peak} bytes at its peak and uses {resident} now.\n")
    } else {
        format!("No issues: the process uses {} bytes, {} at its peak.\n", memory.resident, memory.peak)
    };
    Reply::Verbatim(text.into())
}

/// The allocator has no statistics that can be read at run time.
fn malloc_stats() -> Reply {
    Reply::Verbatim("Stats not supported for the current allocator".into())
}

/// The server already makes the allocator return freed memory every second, so there is nothing to
/// purge.
fn purge() -> Reply {
    Reply::OK
}
