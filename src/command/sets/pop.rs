//! `SPOP key [count]`: takes members out of a set that chance chooses.

use serde::{Deserialize, Serialize};

use crate::command::framework::bulks::{bulk, bulks};
use crate::command::{Args, Command, Context, Flags, Group, Seed, Spec, Usage, Write};
use crate::error::CommandError;
use crate::keyspace::{Collection, Edited, Key, Set, Writer};
use crate::resp::Reply;

#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub struct Spop {
    key: Key,
    /// Without one, the answer is a member and no set.
    count: Option<usize>,
    /// Drawn once, where the request arrived: with the order of the set it decides on every replica alike.
    seed: Seed,
}

impl Command for Spop {
    const SPEC: Spec = Spec::of_key(
        Group::Set,
        "SPOP",
        -2,
        "1.0.0",
        "O(1), with a count O(N) with N the count",
        "Takes members out of a set that chance chooses.",
        "key [count]",
    )
    .used(Usage::READ_AND_TAKEN_FROM);
    const FLAGS: Flags = Flags { fast: true, denyoom: false, ..Flags::DEFAULT };
}

impl Write for Spop {
    fn parse(args: &mut Args<'_>, context: &Context) -> Result<Spop, CommandError> {
        Ok(Spop { key: args.key()?, count: args.count_if_any()?, seed: Seed::of(context) })
    }

    fn apply(self, keyspace: &mut Writer<'_>) -> Result<Reply, CommandError> {
        let mut rng = self.seed.rng();
        let taken = keyspace.edit_collection(self.key.as_bytes(), |set: &mut Set| {
            let Some(count) = self.count else {
                let member = set.remove_at(rng.below(set.len()));
                return Ok(Edited::Changed(bulk(member.as_ref())));
            };
            if count == 0 {
                return Ok(Edited::Unchanged(Reply::Set(Vec::new())));
            }
            if count >= set.len() {
                let replies = bulks(set.iter())?;
                *set = Set::default();
                return Ok(Edited::Changed(Reply::Set(replies)));
            }
            // What is answered may be too much, and then nothing is taken.
            let chosen = rng.sample(count, set.len());
            let members = chosen.iter().filter_map(|&place| set.at(place));
            let replies = bulks(members)?;
            // From the end, so that no place changes before it is emptied.
            let mut places = chosen;
            places.sort_unstable();
            assert_eq!(replies.len(), count, "what is taken is answered");
            places.iter().rev().for_each(|&place| drop(set.remove_at(place)));
            Ok(Edited::Changed(Reply::Set(replies)))
        })?;
        Ok(taken.unwrap_or(if self.count.is_some() { Reply::Set(Vec::new()) } else { Reply::Null }))
    }
}
