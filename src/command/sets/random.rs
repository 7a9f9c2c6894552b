//! `SRANDMEMBER key [count]`: members that chance chooses; with a negative count the same may come again.

use super::spec;
use crate::command::framework::bulks::{bulk, bulks};
use crate::command::{Args, Command, Context, Read, Seed, Spec};
use crate::error::CommandError;
use crate::keyspace::{Collection, Key, Set, View};
use crate::resp::Reply;

pub struct Srandmember {
    key: Key,
    /// Without one, the answer is a member and no array.
    count: Option<i64>,
    seed: Seed,
}

impl Command for Srandmember {
    const SPEC: Spec = spec(
        "SRANDMEMBER",
        -2,
        "1.0.0",
        "O(1), with a count O(N) with N the count",
        "Members of a set that chance chooses.",
        "key [count]",
    );
}

impl Read for Srandmember {
    fn parse(args: &mut Args<'_>, context: &Context) -> Result<Srandmember, CommandError> {
        let key = args.key()?;
        let count = if args.is_empty() { None } else { Some(args.signed_count()?) };
        args.finish()?;
        Ok(Srandmember { key, count, seed: Seed::of(context) })
    }

    fn run(self, keyspace: &View<'_>) -> Result<Reply, CommandError> {
        let mut rng = self.seed.rng();
        let chosen = keyspace.with_collection(self.key.as_bytes(), |set: &Set| {
            let Some(count) = self.count else { return Ok(bulk(set.at(rng.below(set.len())))) };
            let places = rng.positions(count, set.len())?;
            bulks(places.iter().filter_map(|&place| set.at(place))).map(Reply::Array)
        })?;
        let none = if self.count.is_some() { Reply::Array(Vec::new()) } else { Reply::Null };
        chosen.unwrap_or(Ok(none))
    }
}
