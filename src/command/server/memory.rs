//! `MEMORY USAGE key [SAMPLES count]`: what a key with its value takes in memory.

use crate::command::{Args, Command, Context, Group, KeySpec, Read, Spec};
use crate::error::Answer;
use crate::keyspace::{Key, View};
use crate::resp::Reply;

pub enum Memory {
    /// `SAMPLES` is accepted and means nothing: what a collection takes is known without looking at its elements.
    Usage(Key),
}

impl Command for Memory {
    const SPEC: Spec = Spec {
        name: "MEMORY",
        aliases: &[],
        arity: -2,
        keys: KeySpec { first: 2, last: 2, step: 1 },
        group: Group::Server,
        since: "0.1.0",
        summary: "What a key with its value takes in memory.",
        syntax: "USAGE key [SAMPLES count]",
    };
}

impl Read for Memory {
    fn parse(args: &mut Args<'_>, _context: &Context) -> Result<Memory, Answer> {
        let word = args.word()?;
        match &word.to_ascii_uppercase()[..] {
            b"USAGE" => usage(args),
            _ => Err(Answer::unknown_subcommand("MEMORY", word)),
        }
    }

    fn run(self, keyspace: &View<'_>) -> Result<Reply, Answer> {
        let Memory::Usage(key) = self;
        let bytes = keyspace.with(key.as_bytes(), |entry| entry.memory_bytes(&key) as i64);
        Ok(bytes.map_or(Reply::Null, Reply::Integer))
    }
}

fn usage(args: &mut Args<'_>) -> Result<Memory, Answer> {
    if args.is_empty() {
        return Err(Answer::wrong_arity("memory|usage"));
    }
    let key = args.key()?;
    while !args.is_empty() {
        if args.left() < 2 || !args.keyword("SAMPLES") || args.integer()? < 0 {
            return Err(Answer::SYNTAX);
        }
    }
    Ok(Memory::Usage(key))
}
