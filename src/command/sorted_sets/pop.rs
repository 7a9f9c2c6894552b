//! `ZPOPMIN key [count]`, `ZPOPMAX key [count]`: takes out the members with the lowest or the highest scores.

use serde::{Deserialize, Serialize};

use crate::command::framework::bulks::scored;
use crate::command::{Args, Command, Context, Flags, Group, Spec, Usage, Write};
use crate::error::CommandError;
use crate::keyspace::{Edited, Element, Key, SortedSet, Writer};
use crate::resp::{Protocol, Reply};

#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub struct Pop {
    key: Key,
    count: usize,
    /// RESP3 has pairs where a count was given.
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
            // What is answered may be too much, and then nothing is taken.
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
            let answer = Reply::Array(replies);
            Ok(if taken.is_empty() { Edited::Unchanged(answer) } else { Edited::Changed(answer) })
        })?;
        Ok(popped.unwrap_or(Reply::Array(Vec::new())))
    }
}

macro_rules! commands {
    ($($name:ident, $word:literal, $since:literal, $complexity:literal, $highest:literal, $summary:literal;)*) => { $(
        #[derive(Debug, PartialEq, Serialize, Deserialize)]
        pub struct $name(Pop);

        impl Command for $name {
            const SPEC: Spec = Spec::of_key(Group::SortedSet, $word, -2, $since, $complexity, $summary, "key [count]").used(Usage::READ_AND_TAKEN_FROM);
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

commands! {
    Zpopmin, "ZPOPMIN", "5.0.0", "O(log(N)*M) with N the members and M those that are popped", false, "Takes out the members with the lowest scores.";
    Zpopmax, "ZPOPMAX", "5.0.0", "O(log(N)*M) with N the members and M those that are popped", true, "Takes out the members with the highest scores.";
}
