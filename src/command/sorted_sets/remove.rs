//! Removal of members by rank, score or name.
//!
//! * `ZPOPMIN key [count]`, `ZPOPMAX key [count]`: removes the members with the lowest or the
//!   highest scores and returns them.
//! * `ZREMRANGEBYRANK key start stop`, `ZREMRANGEBYSCORE key min max`, `ZREMRANGEBYLEX key min
//!   max`: removes the members of a range and returns their number.

use serde::{Deserialize, Serialize};

use super::bounds::Bounds;
use crate::command::framework::bulks::scored;
use crate::command::{Args, Command, Context, Flags, Group, Spec, Usage, Write};
use crate::error::CommandError;
use crate::keyspace::{Edited, Element, Key, SortedSet, Writer};
use crate::resp::{Protocol, Reply};

#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub struct Pop {
    key: Key,
    count: usize,
    /// Whether the reply has pairs of member and score, as in RESP3 if a count is given.
    in_pairs: bool,
}

impl Pop {
    fn parse(args: &mut Args<'_>, context: &Context) -> Result<Pop, CommandError> {
        let (key, count) = (args.key()?, args.count_if_any()?);
        let in_pairs = count.is_some() && context.protocol == Protocol::Resp3;
        Ok(Pop { key, count: count.unwrap_or(1), in_pairs })
    }

    fn apply(self, highest: bool, keyspace: &mut Writer<'_>) -> Result<Reply, CommandError> {
        let popped = keyspace.edit_collection(self.key.as_bytes(), |set: &mut SortedSet| {
            // The reply is built before anything is removed: if it exceeds the budget, the set must
            // stay as it is.
            let replies = match highest {
                true => scored(set.backward(0).take(self.count), self.in_pairs)?,
                false => scored(set.forward(0).take(self.count), self.in_pairs)?,
            };
            let taken: Vec<Element> = match highest {
                true => set.backward(0).take(self.count).map(|(member, _)| member.clone()).collect(),
                false => set.forward(0).take(self.count).map(|(member, _)| member.clone()).collect(),
            };
            for member in &taken {
                set.remove(member.as_bytes());
            }
            let reply = Reply::Array(replies);
            Ok(if taken.is_empty() { Edited::Unchanged(reply) } else { Edited::Changed(reply) })
        })?;
        Ok(popped.unwrap_or(Reply::Array(Vec::new())))
    }
}

macro_rules! pop_commands {
    ($($name:ident, $word:literal, $since:literal, $complexity:literal, $highest:literal, $summary:literal;)*) => { $(
        #[derive(Debug, PartialEq, Serialize, Deserialize)]
        pub struct $name(Pop);

        impl Command for $name {
            const SPEC: Spec = Spec::of_key(Group::SortedSet, $word, -2, $since, $complexity, $summary, "key [count]").used(Usage::READ_AND_DELETED_FROM);
            const FLAGS: Flags = Flags { fast: true, denyoom: false, ..Flags::DEFAULT };
        }

        impl Write for $name {
            fn parse(args: &mut Args<'_>, context: &Context) -> Result<$name, CommandError> {
                Pop::parse(args, context).map($name)
            }

            fn apply(self, keyspace: &mut Writer<'_>) -> Result<Reply, CommandError> {
                self.0.apply($highest, keyspace)
            }
        }
    )* };
}

pop_commands! {
    Zpopmin, "ZPOPMIN", "5.0.0", "O(log(N)*M), N: members, M: members removed", false, "Removes the members with the lowest scores and returns them.";
    Zpopmax, "ZPOPMAX", "5.0.0", "O(log(N)*M), N: members, M: members removed", true, "Removes the members with the highest scores and returns them.";
}

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

macro_rules! remrange_commands {
    ($($name:ident, $word:literal, $since:literal, $complexity:literal, $bounds:expr, $syntax:literal, $summary:literal;)*) => { $(
        #[derive(Debug, PartialEq, Serialize, Deserialize)]
        pub struct $name(Remove);

        impl Command for $name {
            const SPEC: Spec = Spec::of_key(Group::SortedSet, $word, 4, $since, $complexity, $summary, $syntax).used(Usage::DELETED_FROM);
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

remrange_commands! {
    Zremrangebyrank, "ZREMRANGEBYRANK", "2.0.0", "O(log(N)+M), N: members, M: members removed", Bounds::ranks, "key start stop",
        "Removes the members between two ranks.";
    Zremrangebyscore, "ZREMRANGEBYSCORE", "1.2.0", "O(log(N)+M), N: members, M: members removed", |args| Bounds::scores(args, false), "key min max",
        "Removes the members between two scores.";
    Zremrangebylex, "ZREMRANGEBYLEX", "2.8.9", "O(log(N)+M), N: members, M: members removed", |args| Bounds::names(args, false), "key min max",
        "Removes the members between two names.";
}
