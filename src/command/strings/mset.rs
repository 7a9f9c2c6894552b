//! `MSET key value ...`, `MSETNX key value ...`: puts several strings under their keys.

use serde::{Deserialize, Serialize};

use crate::command::{Args, Command, Context, Group, KeySpec, Spec, Usage, Write};
use crate::error::CommandError;
use crate::keyspace::{Key, Scope, Value, Writer};
use crate::resp::Reply;

type Pairs = Vec<(Key, Box<[u8]>)>;

#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub struct Mset {
    pairs: Pairs,
}

/// Does nothing if one of the keys is there.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub struct Msetnx {
    pairs: Pairs,
}

const PAIRS: KeySpec = KeySpec::new(1, -1, 2);

impl Command for Mset {
    const SPEC: Spec = Spec {
        name: "MSET",
        aliases: &[],
        arity: -3,
        keys: PAIRS.used(Usage::REPLACED),
        group: Group::String,
        since: "1.0.1",
        complexity: "O(N) with N the keys",
        summary: "Puts several strings under their keys.",
        syntax: "(key value) ...",
    };
}

impl Command for Msetnx {
    const SPEC: Spec = Spec {
        name: "MSETNX",
        keys: PAIRS.used(Usage::CREATED),
        summary: "Puts several strings under their keys if all of these are free.",
        ..Mset::SPEC
    };
}

fn pairs(args: &mut Args<'_>) -> Result<Pairs, CommandError> {
    if !args.left().is_multiple_of(2) {
        return Err(args.wrong_arity());
    }
    let words = args.rest().chunks_exact(2);
    Ok(words.map(|pair| (Key::from(&pair[0][..]), pair[1][..].into())).collect())
}

fn put(pairs: Pairs, keyspace: &mut Writer<'_>) {
    for (key, value) in pairs {
        keyspace.replace(key, Value::Text(value));
    }
}

impl Write for Mset {
    const EVENT: &'static str = "SET";

    fn parse(args: &mut Args<'_>, _context: &Context) -> Result<Mset, CommandError> {
        Ok(Mset { pairs: pairs(args)? })
    }

    fn scope(&self) -> Scope {
        Scope::of(self.pairs.len())
    }

    fn apply(self, keyspace: &mut Writer<'_>) -> Result<Reply, CommandError> {
        put(self.pairs, keyspace);
        Ok(Reply::OK)
    }
}

impl Write for Msetnx {
    const EVENT: &'static str = "SET";

    fn parse(args: &mut Args<'_>, _context: &Context) -> Result<Msetnx, CommandError> {
        Ok(Msetnx { pairs: pairs(args)? })
    }

    fn apply(self, keyspace: &mut Writer<'_>) -> Result<Reply, CommandError> {
        if self.pairs.iter().any(|(key, _)| keyspace.exists(key.as_bytes())) {
            return Ok(Reply::Integer(0));
        }
        put(self.pairs, keyspace);
        Ok(Reply::Integer(1))
    }
}
