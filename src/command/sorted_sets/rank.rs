//! Ranks of members, and the number of members in a range.
//!
//! * `ZRANK key member [WITHSCORE]`, `ZREVRANK key member [WITHSCORE]`: returns the rank of a
//!   member, counted from the lowest or the highest score, or null.
//! * `ZCOUNT key min max`, `ZLEXCOUNT key min max`: returns the number of members whose score, or
//!   name, is in a range.

use super::bounds::Bounds;
use crate::command::{Args, Command, Context, Flags, Group, Read, Spec};
use crate::error::CommandError;
use crate::keyspace::{Collection, Element, Key, SortedSet, View};
use crate::resp::Reply;

pub struct Rank {
    key: Key,
    member: Element,
    with_score: bool,
}

impl Rank {
    fn parse(args: &mut Args<'_>) -> Result<Rank, CommandError> {
        let (key, member) = (args.key()?, args.element()?);
        if args.left() > 1 {
            return Err(args.wrong_arity());
        }
        let with_score = args.keyword("WITHSCORE");
        args.finish()?;
        Ok(Rank { key, member, with_score })
    }

    fn run(self, backward: bool, keyspace: &View<'_>) -> Result<Reply, CommandError> {
        let found = keyspace.with_collection(self.key.as_bytes(), |set: &SortedSet| {
            let rank = set.rank(self.member.as_bytes())?;
            let rank = if backward { set.len() - 1 - rank } else { rank };
            Some((Reply::Integer(rank as i64), set.score(self.member.as_bytes())?))
        })?;
        Ok(match (found.flatten(), self.with_score) {
            (Some((rank, score)), true) => Reply::Array(vec![rank, Reply::Double(score)]),
            (Some((rank, _)), false) => rank,
            (None, true) => Reply::NullArray,
            (None, false) => Reply::Null,
        })
    }
}

macro_rules! rank_commands {
    ($($name:ident, $word:literal, $since:literal, $complexity:literal, $backward:literal, $summary:literal;)*) => { $(
        pub struct $name(Rank);

        impl Command for $name {
            const SPEC: Spec = Spec::of_key(Group::SortedSet, $word, -3, $since, $complexity, $summary, "key member [WITHSCORE]");
            const FLAGS: Flags = Flags { fast: true, ..Flags::DEFAULT };
        }

        impl Read for $name {
            fn parse(args: &mut Args<'_>, _context: &Context) -> Result<$name, CommandError> {
                Rank::parse(args).map($name)
            }

            fn run(self, keyspace: &View<'_>) -> Result<Reply, CommandError> {
                self.0.run($backward, keyspace)
            }
        }
    )* };
}

rank_commands! {
    Zrank, "ZRANK", "2.0.0", "O(log(N)), N: members", false, "Reports the rank of a member, counted from the lowest score.";
    Zrevrank, "ZREVRANK", "2.0.0", "O(log(N)), N: members", true, "Reports the rank of a member, counted from the highest score.";
}

macro_rules! count_commands {
    ($($name:ident, $word:literal, $since:literal, $complexity:literal, $bounds:path, $summary:literal;)*) => { $(
        pub struct $name {
            key: Key,
            bounds: Bounds,
        }

        impl Command for $name {
            const SPEC: Spec = Spec::of_key(Group::SortedSet, $word, 4, $since, $complexity, $summary, "key min max");
            const FLAGS: Flags = Flags { fast: true, ..Flags::DEFAULT };
        }

        impl Read for $name {
            fn parse(args: &mut Args<'_>, _context: &Context) -> Result<$name, CommandError> {
                Ok($name { key: args.key()?, bounds: $bounds(args, false)? })
            }

            fn run(self, keyspace: &View<'_>) -> Result<Reply, CommandError> {
                let count = |set: &SortedSet| self.bounds.within(set, false).len();
                let count = keyspace.with_collection(self.key.as_bytes(), count)?;
                Ok(Reply::Integer(count.unwrap_or(0) as i64))
            }
        }
    )* };
}

count_commands! {
    Zcount, "ZCOUNT", "2.0.0", "O(log(N)), N: members", Bounds::scores, "Counts the members between two scores.";
    Zlexcount, "ZLEXCOUNT", "2.8.9", "O(log(N)), N: members", Bounds::names, "Counts the members between two names.";
}
