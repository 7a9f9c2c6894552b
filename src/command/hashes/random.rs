//! `HRANDFIELD key [count [WITHVALUES]]`: fields that chance chooses; with a negative count the same may come again.

use super::spec;
use crate::command::framework::bulks::{bulk, bulks};
use crate::command::{Args, Budget, Command, Context, Read, Seed, Spec};
use crate::error::CommandError;
use crate::keyspace::{Collection, Element, Hash, Key, View};
use crate::resp::{Protocol, Reply};

pub struct Hrandfield {
    key: Key,
    /// Without one, the answer is a field and no array.
    count: Option<i64>,
    with_values: bool,
    in_pairs: bool,
    seed: Seed,
}

impl Command for Hrandfield {
    const SPEC: Spec = spec(
        "HRANDFIELD",
        -2,
        "6.2.0",
        "O(N) with N the fields that are asked for",
        "Fields of a hash that chance chooses.",
        "key [count [WITHVALUES]]",
    );
}

impl Read for Hrandfield {
    fn parse(args: &mut Args<'_>, context: &Context) -> Result<Hrandfield, CommandError> {
        let key = args.key()?;
        let count = if args.is_empty() { None } else { Some(args.signed_count()?) };
        let with_values = args.keyword("WITHVALUES");
        args.finish()?;
        // Each field comes with its value.
        let most = i64::MAX / 2;
        if with_values && count.is_some_and(|count| !(-most..=most).contains(&count)) {
            return Err(CommandError::fixed("ERR value is out of range"));
        }
        let in_pairs = context.protocol == Protocol::Resp3;
        Ok(Hrandfield { key, count, with_values, in_pairs, seed: Seed::of(context) })
    }

    fn run(self, keyspace: &View<'_>) -> Result<Reply, CommandError> {
        let mut rng = self.seed.rng();
        let chosen = keyspace.with_collection(self.key.as_bytes(), |hash: &Hash| {
            let Some(count) = self.count else {
                return Ok(bulk(hash.at(rng.below(hash.len())).map(|(field, _)| field)));
            };
            let places = rng.positions(count, hash.len())?;
            let pairs: Vec<(&Element, &Element)> =
                places.iter().filter_map(|&place| hash.at(place)).collect();
            self.answer(&pairs)
        })?;
        let none = if self.count.is_some() { Reply::Array(Vec::new()) } else { Reply::Null };
        chosen.unwrap_or(Ok(none))
    }
}

impl Hrandfield {
    fn answer(&self, pairs: &[(&Element, &Element)]) -> Result<Reply, CommandError> {
        let fields = bulks(pairs.iter().map(|(field, _)| *field))?;
        if !self.with_values {
            return Ok(Reply::Array(fields));
        }
        Budget::default().spend(pairs.len().saturating_mul(3 * size_of::<Reply>()))?;
        let both = fields.into_iter().zip(bulks(pairs.iter().map(|(_, value)| *value))?);
        Ok(Reply::Array(match self.in_pairs {
            true => both.map(|(field, value)| Reply::Array(vec![field, value])).collect(),
            false => both.flat_map(|(field, value)| [field, value]).collect(),
        }))
    }
}
