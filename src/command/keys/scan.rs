//! Iteration over keys.
//!
//! * `SCAN cursor [MATCH pattern] [COUNT count] [TYPE type]`: iterates over the keys.
//! * `KEYS pattern`: returns all keys that match a glob pattern.
//! * `DBSIZE`: returns the number of keys.
//! * `RANDOMKEY`: returns a random key, or null.

use bytes::Bytes;

use crate::command::framework::glob;
use crate::command::{Args, Budget, Command, Context, Flags, Group, KeySpec, Read, Seed, Spec};
use crate::error::CommandError;
use crate::keyspace::{SCAN_SHARDS, View};
use crate::resp::Reply;

/// The default of `COUNT`, as in Redis.
const COUNT_DEFAULT: i64 = 10;

pub struct Scan {
    cursor: u64,
    pattern: Option<Bytes>,
    count: usize,
    kind: Option<Bytes>,
}

impl Command for Scan {
    const SPEC: Spec = Spec {
        name: "SCAN",
        aliases: &[],
        arity: -2,
        keys: KeySpec::NONE,
        group: Group::Generic,
        since: "2.8.0",
        complexity: "O(1) for a call, O(N) for all of them, N: elements",
        summary: "Lists key names in batches, starting at a cursor.",
        syntax: "cursor [MATCH pattern] [COUNT count] [TYPE type]",
    };
}

impl Read for Scan {
    fn parse(args: &mut Args<'_>, _context: &Context) -> Result<Scan, CommandError> {
        let cursor = std::str::from_utf8(args.word()?).ok().and_then(|text| text.parse().ok());
        let cursor = cursor.ok_or(CommandError::fixed("ERR invalid cursor"))?;
        let (mut pattern, mut count, mut kind) = (None, COUNT_DEFAULT, None);
        while !args.is_empty() {
            if args.left() < 2 {
                return Err(CommandError::SYNTAX);
            }
            if args.keyword("MATCH") {
                pattern = Some(args.word()?.clone());
            } else if args.keyword("COUNT") {
                count = args.integer()?;
            } else if args.keyword("TYPE") {
                kind = Some(args.word()?.clone());
            } else {
                return Err(CommandError::SYNTAX);
            }
        }
        let count = usize::try_from(count).ok().filter(|&count| count > 0).ok_or(CommandError::SYNTAX)?;
        Ok(Scan { cursor, pattern, count, kind })
    }

    fn run(self, keyspace: &View<'_>) -> Result<Reply, CommandError> {
        let mut found = Found::default();
        let next = keyspace.try_scan(self.cursor, self.count, |key, entry| {
            let type_name = entry.value.type_name().as_bytes();
            if self.kind.as_ref().is_none_or(|kind| kind.eq_ignore_ascii_case(type_name)) {
                found.take(self.pattern.as_ref(), key)?;
            }
            Ok(())
        })?;
        Ok(Reply::Array(vec![Reply::bulk(next.to_string()), Reply::Array(found.replies)]))
    }
}

/// The names of keys found so far, up to the maximum size of a reply.
#[derive(Default)]
struct Found {
    replies: Vec<Reply>,
    budget: Budget,
}

impl Found {
    /// Takes a key if it matches the pattern, or if there is no pattern.
    ///
    /// # Errors
    /// If the reply would be too large, or the pattern takes too many steps.
    fn take(&mut self, pattern: Option<&Bytes>, key: &[u8]) -> Result<(), CommandError> {
        if !pattern.map_or(Ok(true), |pattern| glob::matches(pattern, key))? {
            return Ok(());
        }
        self.budget.spend(size_of::<Reply>() + key.len())?;
        self.replies.push(Reply::bulk(Bytes::copy_from_slice(key)));
        Ok(())
    }
}

pub struct Keys {
    pattern: Bytes,
}

impl Command for Keys {
    const SPEC: Spec = Spec {
        name: "KEYS",
        aliases: &[],
        arity: 2,
        keys: KeySpec::NONE,
        group: Group::Generic,
        since: "1.0.0",
        complexity: "O(N), N: all keys",
        summary: "Lists the names of all keys that match a pattern.",
        syntax: "pattern",
    };
    const FLAGS: Flags = Flags { categories: &["@dangerous"], ..Flags::DEFAULT };
}

impl Read for Keys {
    fn parse(args: &mut Args<'_>, _context: &Context) -> Result<Keys, CommandError> {
        Ok(Keys { pattern: args.word()?.clone() })
    }

    fn run(self, keyspace: &View<'_>) -> Result<Reply, CommandError> {
        let mut found = Found::default();
        keyspace.try_scan(0, usize::MAX, |key, _| found.take(Some(&self.pattern), key))?;
        Ok(Reply::Array(found.replies))
    }
}

pub struct Dbsize;

impl Command for Dbsize {
    const SPEC: Spec = Spec {
        name: "DBSIZE",
        aliases: &[],
        arity: 1,
        keys: KeySpec::NONE,
        group: Group::Server,
        since: "1.0.0",
        complexity: "O(1)",
        summary: "Counts all keys.",
        syntax: "",
    };
    const FLAGS: Flags = Flags { categories: &["@keyspace"], fast: true, ..Flags::DEFAULT };
}

impl Read for Dbsize {
    fn parse(_args: &mut Args<'_>, _context: &Context) -> Result<Dbsize, CommandError> {
        Ok(Dbsize)
    }

    fn run(self, keyspace: &View<'_>) -> Result<Reply, CommandError> {
        Ok(Reply::Integer(keyspace.len() as i64))
    }
}

pub struct Randomkey(Seed);

impl Command for Randomkey {
    const SPEC: Spec = Spec {
        name: "RANDOMKEY",
        aliases: &[],
        arity: 1,
        keys: KeySpec::NONE,
        group: Group::Generic,
        since: "1.0.0",
        complexity: "O(1)",
        summary: "Selects the name of a key at random.",
        syntax: "",
    };
}

impl Read for Randomkey {
    fn parse(_args: &mut Args<'_>, context: &Context) -> Result<Randomkey, CommandError> {
        Ok(Randomkey(Seed::of(context)))
    }

    /// Begins at a random shard of the keyspace; if no key follows, at the first shard.
    fn run(self, keyspace: &View<'_>) -> Result<Reply, CommandError> {
        let mut rng = self.0.rng();
        for cursor in [rng.below(SCAN_SHARDS as usize) as u64, 0] {
            let mut found = Vec::new();
            keyspace.scan(cursor, 1, |key, _| found.push(Bytes::copy_from_slice(key)));
            if !found.is_empty() {
                return Ok(Reply::Bulk(found.swap_remove(rng.below(found.len()))));
            }
        }
        Ok(Reply::Null)
    }
}
