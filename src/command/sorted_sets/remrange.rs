//! `ZREMRANGEBYRANK key start stop`, `ZREMRANGEBYSCORE key min max`, `ZREMRANGEBYLEX key min max`: takes out the members of
//! a range; how many there were.

use serde::{Deserialize, Serialize};

use super::bounds::Bounds;
use crate::command::{Args, Command, Context, Flags, Group, Spec, Usage, Write};
use crate::error::CommandError;
use crate::keyspace::{Edited, Element, Key, SortedSet, Writer};
use crate::resp::Reply;

#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub struct Remove {
    key: Key,
    bounds: Bounds,
}

impl Remove {
    fn apply(self, keyspace: &mut Writer<'_>) -> Result<Reply, CommandError> {
        let removed = keyspace.edit_collection(self.key.as_bytes(), |set: &mut SortedSet| {
            let range = self.bounds.within(set, false);
            let members = set.forward(range.start).take(range.len());
            let members: Vec<Element> = members.map(|(member, _)| member.clone()).collect();
            for member in &members {
                set.remove(member.as_bytes());
            }
            Ok(if members.is_empty() { Edited::Unchanged(0) } else { Edited::Changed(members.len() as i64) })
        })?;
        Ok(Reply::Integer(removed.unwrap_or(0)))
    }
}

macro_rules! commands {
    ($($name:ident, $word:literal, $since:literal, $complexity:literal, $bounds:expr, $syntax:literal, $summary:literal;)*) => { $(
        #[derive(Debug, PartialEq, Serialize, Deserialize)]
        pub struct $name(Remove);

        impl Command for $name {
            const SPEC: Spec = Spec::of_key(Group::SortedSet, $word, 4, $since, $complexity, $summary, $syntax).used(Usage::TAKEN_FROM);
            const FLAGS: Flags = Flags { denyoom: false, ..Flags::DEFAULT };
        }

        impl Write for $name {
            fn parse(args: &mut Args<'_>, _context: &Context) -> Result<$name, CommandError> {
                let bounds: fn(&mut Args<'_>) -> Result<Bounds, CommandError> = $bounds;
                Ok($name(Remove { key: args.key()?, bounds: bounds(args)? }))
            }

            fn apply(self, keyspace: &mut Writer<'_>) -> Result<Reply, CommandError> {
                self.0.apply(keyspace)
            }
        }
    )* };
}

commands! {
    Zremrangebyrank, "ZREMRANGEBYRANK", "2.0.0", "O(log(N)+M) with N the members and M those that go", Bounds::ranks, "key start stop",
        "Takes out the members between two ranks.";
    Zremrangebyscore, "ZREMRANGEBYSCORE", "1.2.0", "O(log(N)+M) with N the members and M those that go", |args| Bounds::scores(args, false), "key min max",
        "Takes out the members between two scores.";
    Zremrangebylex, "ZREMRANGEBYLEX", "2.8.9", "O(log(N)+M) with N the members and M those that go", |args| Bounds::names(args, false), "key min max",
        "Takes out the members between two names.";
}
