//! `ZSCORE key member`, `ZMSCORE key member ...`: the scores of members, null for one that is not there.

use super::spec;
use crate::command::{Args, Command, Context, Flags, Read, Spec};
use crate::error::CommandError;
use crate::keyspace::{Element, Key, SortedSet, View};
use crate::resp::Reply;

pub struct Zscore {
    key: Key,
    member: Element,
}

impl Command for Zscore {
    const SPEC: Spec = spec("ZSCORE", 3, "1.2.0", "O(1)", "The score of a member.", "key member");
    const FLAGS: Flags = Flags { fast: true, ..Flags::DEFAULT };
}

impl Read for Zscore {
    fn parse(args: &mut Args<'_>, _context: &Context) -> Result<Zscore, CommandError> {
        Ok(Zscore { key: args.key()?, member: args.element()? })
    }

    fn run(self, keyspace: &View<'_>) -> Result<Reply, CommandError> {
        let score = |set: &SortedSet| set.score(self.member.as_bytes());
        let score = keyspace.with_collection(self.key.as_bytes(), score)?;
        Ok(score.flatten().map_or(Reply::Null, Reply::Double))
    }
}

pub struct Zmscore {
    key: Key,
    members: Vec<Element>,
}

impl Command for Zmscore {
    const SPEC: Spec = spec(
        "ZMSCORE",
        -3,
        "6.2.0",
        "O(N) with N the members that are asked for",
        "The scores of several members.",
        "key member ...",
    );
    const FLAGS: Flags = Flags { fast: true, ..Flags::DEFAULT };
}

impl Read for Zmscore {
    fn parse(args: &mut Args<'_>, _context: &Context) -> Result<Zmscore, CommandError> {
        Ok(Zmscore { key: args.key()?, members: args.elements()? })
    }

    fn run(self, keyspace: &View<'_>) -> Result<Reply, CommandError> {
        let members = self.members.iter();
        let scores = keyspace.with_collection(self.key.as_bytes(), |set: &SortedSet| {
            let score = |member: &Element| set.score(member.as_bytes()).map_or(Reply::Null, Reply::Double);
            members.clone().map(score).collect()
        })?;
        Ok(Reply::Array(scores.unwrap_or_else(|| vec![Reply::Null; self.members.len()])))
    }
}
