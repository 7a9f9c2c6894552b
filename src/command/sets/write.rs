//! Writes of sets.
//!
//! * `SADD key member ...`: adds members to a set and returns how many are new.
//! * `SMOVE source destination member`: moves a member to another set, and returns whether the
//!   source had the member.
//! * `SPOP key [count]`: removes random members and returns them.

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
        "O(1) for each element, O(N) in total, N: elements added",
        "Adds members to a set, which is created if missing.",
        "key member ...",
    )
    .used(Usage::INSERTED_INTO);
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
        keys: KeySpec::both(Usage::READ_AND_DELETED_FROM, Usage::INSERTED_INTO),
        ..Spec::of_key(
            Group::Set,
            "SMOVE",
            4,
            "1.0.0",
            "O(1)",
            "Moves a member from one set to another.",
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
    /// The number of members. Without a count, the reply is a single member and not a set.
    count: Option<usize>,
    /// The seed of the random choice, drawn on the node that received the request. With the order
    /// of the set, it determines the same choice on every replica.
    seed: Seed,
}

impl Command for Spop {
    const SPEC: Spec = Spec::of_key(
        Group::Set,
        "SPOP",
        -2,
        "1.0.0",
        "O(1) without a count, O(N) with one, N: the count",
        "Removes random members of a set and returns them.",
        "key [count]",
    )
    .used(Usage::READ_AND_DELETED_FROM);
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
            // The reply is built before anything is removed: if it exceeds the budget, the set must
            // stay as it is.
            let chosen = rng.sample(count, set.len());
            let members = chosen.iter().filter_map(|&position| set.at(position));
            let replies = bulks(members)?;
            // Removes from the end, so that a removal does not change the remaining positions.
            let mut positions = chosen;
            positions.sort_unstable();
            assert_eq!(replies.len(), count, "each removed member has a reply");
            positions.iter().rev().for_each(|&position| drop(set.remove_at(position)));
            Ok(Edited::Changed(Reply::Set(replies)))
        })?;
        Ok(taken.unwrap_or(if self.count.is_some() { Reply::Set(Vec::new()) } else { Reply::Null }))
    }
}
