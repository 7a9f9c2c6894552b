//! `SADD key member ...`: puts members into a set; how many are new.

use serde::{Deserialize, Serialize};

use crate::command::{Args, Command, Context, Flags, Group, Spec, Usage, Write};
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
