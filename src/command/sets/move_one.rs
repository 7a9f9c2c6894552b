//! `SMOVE source destination member`: takes a member out of a set and puts it into another; whether it was there.

use serde::{Deserialize, Serialize};

use crate::command::{Args, Command, Context, Flags, Group, KeySpec, Spec, Usage, Write};
use crate::error::CommandError;
use crate::keyspace::{Collection, Edited, Element, Key, Set, Writer};
use crate::resp::Reply;

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
        keyspace.call_it("SREM");
        keyspace.edit_collection(source, |set: &mut Set| Ok(Edited::Changed(set.remove(member))))?;
        keyspace.call_it("SADD");
        keyspace.edit_or_begin(self.destination, |set: &mut Set| {
            let new = set.insert(self.member.clone());
            Ok(if new { Edited::Changed(()) } else { Edited::Unchanged(()) })
        })?;
        Ok(Reply::Integer(1))
    }
}
