//! `HGETALL key`, `HKEYS key`, `HVALS key`: every field with its value, every field, every value.

use crate::command::framework::bulks::bulks;
use crate::command::{Args, Budget, Command, Context, Group, Read, Spec};
use crate::error::CommandError;
use crate::keyspace::{Collection, Hash, Key, View};
use crate::resp::Reply;

fn pairs(hash: &Hash) -> Result<Reply, CommandError> {
    // What the pairs add to the two halves, each of which has its budget.
    Budget::default()
        .spend(hash.len().saturating_mul(2 * size_of::<Reply>()).saturating_add(hash.bytes()))?;
    let fields = bulks(hash.iter().map(|(field, _)| field))?;
    let values = bulks(hash.iter().map(|(_, value)| value))?;
    Ok(Reply::Map(fields.into_iter().zip(values).collect()))
}

fn fields(hash: &Hash) -> Result<Reply, CommandError> {
    bulks(hash.iter().map(|(field, _)| field)).map(Reply::Array)
}

fn values(hash: &Hash) -> Result<Reply, CommandError> {
    bulks(hash.iter().map(|(_, value)| value)).map(Reply::Array)
}

macro_rules! commands {
    ($($name:ident, $word:literal, $since:literal, $complexity:literal, $all:path, $summary:literal;)*) => { $(
        pub struct $name {
            key: Key,
        }

        impl Command for $name {
            const SPEC: Spec = Spec::of_key(Group::Hash, $word, 2, $since, $complexity, $summary, "key");
        }

        impl Read for $name {
            fn parse(args: &mut Args<'_>, _context: &Context) -> Result<$name, CommandError> {
                Ok($name { key: args.key()? })
            }

            fn run(self, keyspace: &View<'_>) -> Result<Reply, CommandError> {
                let all = keyspace.with_collection(self.key.as_bytes(), $all)?;
                all.unwrap_or_else(|| $all(&Hash::default()))
            }
        }
    )* };
}

commands! {
    Hgetall, "HGETALL", "2.0.0", "O(N) with N the fields", pairs, "Every field with its value.";
    Hkeys, "HKEYS", "2.0.0", "O(N) with N the fields", fields, "Every field of a hash.";
    Hvals, "HVALS", "2.0.0", "O(N) with N the fields", values, "Every value of a hash.";
}
