//! Putting members into sets, moving them and taking random ones out.
//!
//! * `SADD key member ...`: puts members into a set; how many are new.
//! * `SMOVE source destination member`: takes a member out of a set and puts it into another;
//!   whether it was there.
//! * `SPOP key [count]`: takes members out of a set that chance chooses.

use serde::{Deserialize, Serialize};

use crate::command::framework::bulks::{bulk, bulks};
use crate::command::{Args, Command, Context, Flags, Group, KeySpec, Seed, Spec, Usage, Write};
use crate::error::CommandError;
use crate::keyspace::{Collection, Edited, Element, Key, Set, Writer};
use crate::resp::Reply;

#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub struct Sadd {
    key: Key,
    members: Vec<Element>,
}

impl Command for Sadd {
    const SPEC: Spec = Spec::of_key(
        Group::Set,
        "SADD",
        -3,
        "1.0.0",
        "O(1) for an element, O(N) for N of them",
        "Puts members into a set.",
        "key member ...",
    )
    .used(Usage::ADDED_TO);
    const FLAGS: Flags = Flags { fast: true, ..Flags::DEFAULT };
}

impl Write for Sadd {
    fn parse(args: &mut Args<'_>, _context: &Context) -> Result<Sadd, CommandError> {
        Ok(Sadd { key: args.key()?, members: args.elements()? })
    }

    fn apply(self, keyspace: &mut Writer<'_>) -> Result<Reply, CommandError> {
        let added = keyspace.edit_or_begin(self.key, |set: &mut Set| {
            set.room_for(self.members.iter().map(Element::cost).sum())?;
            let mut added = 0;
            self.members.into_iter().for_each(|member| added += i64::from(set.insert(member)));
            Ok(if added == 0 { Edited::Unchanged(0) } else { Edited::Changed(added) })
        })?;
        Ok(Reply::Integer(added))
    }
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub struct Smove {
    source: Key,
    destination: Key,
    member: Element,
}

impl Command for Smove {
    const SPEC: Spec = Spec {
        keys: KeySpec::both(Usage::READ_AND_TAKEN_FROM, Usage::ADDED_TO),
        ..Spec::of_key(
            Group::Set,
            "SMOVE",
            4,
            "1.0.0",
            "O(1)",
            "Takes a member out of a set and puts it into another.",
            "source destination member",
        )
    };
    const FLAGS: Flags = Flags { fast: true, denyoom: false, ..Flags::DEFAULT };
}

impl Write for Smove {
    fn parse(args: &mut Args<'_>, _context: &Context) -> Result<Smove, CommandError> {
        Ok(Smove { source: args.key()?, destination: args.key()?, member: args.element()? })
    }

    fn apply(self, keyspace: &mut Writer<'_>) -> Result<Reply, CommandError> {
        let (source, member) = (self.source.as_bytes(), self.member.as_bytes());
        let there = keyspace.with_collection(source, |set: &Set| set.contains(member))?;
        let Some(there) = there else { return Ok(Reply::Integer(0)) };
        let full = keyspace
            .with_collection(self.destination.as_bytes(), |set: &Set| set.room_for(self.member.cost()))?;
        if !there || self.source == self.destination {
            return Ok(Reply::Integer(i64::from(there)));
        }
        full.transpose()?;
        keyspace.set_event("SREM");
        keyspace.edit_collection(source, |set: &mut Set| Ok(Edited::Changed(set.remove(member))))?;
        keyspace.set_event("SADD");
        keyspace.edit_or_begin(self.destination, |set: &mut Set| {
            let new = set.insert(self.member.clone());
            Ok(if new { Edited::Changed(()) } else { Edited::Unchanged(()) })
        })?;
        Ok(Reply::Integer(1))
    }
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub struct Spop {
    key: Key,
    /// Without one, the answer is a member and no set.
    count: Option<usize>,
    /// Drawn once, where the request arrived: with the order of the set it decides on every replica
    /// alike.
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
