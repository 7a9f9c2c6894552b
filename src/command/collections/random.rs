//! SRANDMEMBER and HRANDFIELD: `key [count [WITHVALUES]]`, returns random elements of a collection.
//! With a negative count, elements may repeat. Only HRANDFIELD has values.

use std::marker::PhantomData;

use super::Indexed;
use crate::command::framework::bulks::{bulk, bulks};
use crate::command::{Args, Budget, Command, Context, Read, Seed, Spec};
use crate::error::CommandError;
use crate::keyspace::{Element, Key, View};
use crate::resp::{Protocol, Reply};

pub struct Random<C> {
    key: Key,
    /// Without a count, the reply is one element and not an array.
    count: Option<i64>,
    with_values: bool,
    in_pairs: bool,
    seed: Seed,
    kind: PhantomData<C>,
}

impl<C: Indexed> Command for Random<C> {
    const SPEC: Spec = C::RANDOM;
}

impl<C: Indexed> Read for Random<C> {
    fn parse(args: &mut Args<'_>, context: &Context) -> Result<Random<C>, CommandError> {
        let key = args.key()?;
        let count = if args.is_empty() { None } else { Some(args.signed_count()?) };
        let with_values = C::HAS_VALUES && args.keyword("WITHVALUES");
        args.finish()?;
        // With WITHVALUES the reply has two items for each element, and Redis limits the total.
        let most = i64::MAX / 2;
        if with_values && count.is_some_and(|count| !(-most..=most).contains(&count)) {
            return Err(CommandError::fixed("ERR value is out of range"));
        }
        let in_pairs = context.protocol == Protocol::Resp3;
        Ok(Random { key, count, with_values, in_pairs, seed: Seed::of(context), kind: PhantomData })
    }

    fn run(self, keyspace: &View<'_>) -> Result<Reply, CommandError> {
        let mut rng = self.seed.rng();
        let chosen = keyspace.with_collection(self.key.as_bytes(), |collection: &C| {
            let Some(count) = self.count else {
                return Ok(bulk(collection.at(rng.below(collection.len())).map(|(element, _)| element)));
            };
            let positions = rng.positions(count, collection.len())?;
            let found = positions.iter().filter_map(|&position| collection.at(position));
            self.reply(&found.collect::<Vec<_>>())
        })?;
        let none = if self.count.is_some() { Reply::Array(Vec::new()) } else { Reply::Null };
        chosen.unwrap_or(Ok(none))
    }
}

impl<C> Random<C> {
    fn reply(&self, found: &[(&Element, Option<&Element>)]) -> Result<Reply, CommandError> {
        let elements = bulks(found.iter().map(|(element, _)| *element))?;
        if !self.with_values {
            return Ok(Reply::Array(elements));
        }
        Budget::default().spend(found.len().saturating_mul(3 * size_of::<Reply>()))?;
        let both = elements.into_iter().zip(bulks(found.iter().filter_map(|(_, value)| *value))?);
        Ok(Reply::Array(match self.in_pairs {
            true => both.map(|(element, value)| Reply::Array(vec![element, value])).collect(),
            false => both.flat_map(|(element, value)| [element, value]).collect(),
        }))
    }
}
