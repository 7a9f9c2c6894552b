//! `SISMEMBER key member`, `SMISMEMBER key member ...`: whether members are in a set.

use super::spec;
use crate::command::{Args, Command, Context, Flags, Read, Spec, Usage};
use crate::error::CommandError;
use crate::keyspace::{Element, Key, Set, View};
use crate::resp::Reply;

pub struct Sismember {
    key: Key,
    member: Element,
}

impl Command for Sismember {
    const SPEC: Spec = spec("SISMEMBER", 3, "1.0.0", "O(1)", "Whether a member is in a set.", "key member")
        .used(Usage::LOOKED_AT);
    const FLAGS: Flags = Flags { fast: true, ..Flags::DEFAULT };
}

impl Read for Sismember {
    fn parse(args: &mut Args<'_>, _context: &Context) -> Result<Sismember, CommandError> {
        Ok(Sismember { key: args.key()?, member: args.element()? })
    }

    fn run(self, keyspace: &View<'_>) -> Result<Reply, CommandError> {
        let contains = |set: &Set| set.contains(self.member.as_bytes());
        let there = keyspace.with_collection(self.key.as_bytes(), contains)?;
        Ok(Reply::Integer(i64::from(there.unwrap_or(false))))
    }
}

pub struct Smismember {
    key: Key,
    members: Vec<Element>,
}

impl Command for Smismember {
    const SPEC: Spec = spec(
        "SMISMEMBER",
        -3,
        "6.2.0",
        "O(N) with N the members that are asked for",
        "Which of several members are in a set.",
        "key member ...",
    );
    const FLAGS: Flags = Flags { fast: true, ..Flags::DEFAULT };
}

impl Read for Smismember {
    fn parse(args: &mut Args<'_>, _context: &Context) -> Result<Smismember, CommandError> {
        Ok(Smismember { key: args.key()?, members: args.elements()? })
    }

    fn run(self, keyspace: &View<'_>) -> Result<Reply, CommandError> {
        let members = self.members.iter();
        let there = keyspace.with_collection(self.key.as_bytes(), |set: &Set| {
            members.clone().map(|member| set.contains(member.as_bytes())).collect::<Vec<bool>>()
        })?;
        let there = there.unwrap_or_else(|| vec![false; self.members.len()]);
        Ok(Reply::Array(there.into_iter().map(|there| Reply::Integer(i64::from(there))).collect()))
    }
}
