//! `ZINCRBY key increment member`: adds to the score of a member; the new score.

use serde::{Deserialize, Serialize};

use super::{NOT_A_NUMBER, score};
use crate::command::{Args, Command, Context, Flags, Group, Spec, Write};
use crate::error::CommandError;
use crate::keyspace::{Collection, Edited, Element, Key, SortedSet, Writer};
use crate::resp::Reply;

#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub struct Zincrby {
    key: Key,
    by: f64,
    member: Element,
}

impl Command for Zincrby {
    const SPEC: Spec = Spec::of_key(
        Group::SortedSet,
        "ZINCRBY",
        4,
        "1.2.0",
        "O(log(N)) with N the members",
        "Adds to the score of a member.",
        "key increment member",
    );
    const FLAGS: Flags = Flags { fast: true, ..Flags::DEFAULT };
}

impl Write for Zincrby {
    const EVENT: &'static str = "ZINCR";

    fn parse(args: &mut Args<'_>, _context: &Context) -> Result<Zincrby, CommandError> {
        Ok(Zincrby { key: args.key()?, by: score(args)?, member: args.element()? })
    }

    fn apply(self, keyspace: &mut Writer<'_>) -> Result<Reply, CommandError> {
        let after = keyspace.edit_or_begin(self.key, |set: &mut SortedSet| {
            let before = set.score(self.member.as_bytes());
            let after = before.unwrap_or(0.0) + self.by;
            if after.is_nan() {
                return Err(NOT_A_NUMBER);
            }
            if before == Some(after) {
                return Ok(Edited::Unchanged(after));
            }
            set.room_for(self.member.cost())?;
            set.insert(self.member, after);
            Ok(Edited::Changed(after))
        })?;
        Ok(Reply::Double(after))
    }
}
