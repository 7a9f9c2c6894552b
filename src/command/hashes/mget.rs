//! `HMGET key field ...`: the values of several fields, null for one that is not there.

use super::spec;
use crate::command::framework::bulks::bulk;
use crate::command::{Args, Budget, Command, Context, Flags, Read, Spec};
use crate::error::CommandError;
use crate::keyspace::{Element, Hash, Key, View};
use crate::resp::Reply;

pub struct Hmget {
    key: Key,
    fields: Vec<Element>,
}

impl Command for Hmget {
    const SPEC: Spec = spec(
        "HMGET",
        -3,
        "2.0.0",
        "O(N) with N the fields that are asked for",
        "The values of several fields.",
        "key field ...",
    );
    const FLAGS: Flags = Flags { fast: true, ..Flags::DEFAULT };
}

impl Read for Hmget {
    fn parse(args: &mut Args<'_>, _context: &Context) -> Result<Hmget, CommandError> {
        Ok(Hmget { key: args.key()?, fields: args.elements()? })
    }

    fn run(self, keyspace: &View<'_>) -> Result<Reply, CommandError> {
        let fields = self.fields.iter();
        let values = keyspace.with_collection(self.key.as_bytes(), |hash: &Hash| {
            let mut budget = Budget::default();
            let one = |field: &Element| {
                let value = hash.get(field.as_bytes());
                budget.spend(size_of::<Reply>() + value.map_or(0, |value| value.as_bytes().len()))?;
                Ok(bulk(value))
            };
            fields.clone().map(one).collect::<Result<Vec<Reply>, CommandError>>()
        })?;
        values.unwrap_or_else(|| Ok(vec![Reply::Null; self.fields.len()])).map(Reply::Array)
    }
}
