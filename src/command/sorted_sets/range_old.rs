//! `ZREVRANGE`, `ZRANGEBYSCORE`, `ZREVRANGEBYSCORE`, `ZRANGEBYLEX`, `ZREVRANGEBYLEX`: what ZRANGE does by its options, as
//! commands of their own that are older.

use super::range::{By, Range};
use crate::command::{Args, Command, Context, Group, Read, Spec};
use crate::error::CommandError;
use crate::keyspace::View;
use crate::resp::Reply;

macro_rules! commands {
    ($($name:ident, $word:literal, $since:literal, $complexity:literal, $by:expr, $backward:literal, $options:expr, $syntax:literal, $summary:literal;)*) => { $(
        pub struct $name(Range);

        impl Command for $name {
            const SPEC: Spec = Spec::of_key(Group::SortedSet, $word, -4, $since, $complexity, $summary, $syntax);
        }

        impl Read for $name {
            fn parse(args: &mut Args<'_>, context: &Context) -> Result<$name, CommandError> {
                Range::parse(args, context, $by, $backward, $options).map($name)
            }

            fn run(self, keyspace: &View<'_>) -> Result<Reply, CommandError> {
                self.0.run(keyspace)
            }
        }
    )* };
}

commands! {
    Zrevrange, "ZREVRANGE", "1.2.0", "O(log(N)+M) with N the members and M those of the answer", By::Rank, true, &["WITHSCORES"], "key start stop [WITHSCORES]",
        "The members of a range of ranks, from the highest score down.";
    Zrangebyscore, "ZRANGEBYSCORE", "1.0.5", "O(log(N)+M) with N the members and M those of the answer; O(log(N)) for a fixed M", By::Score, false, &["WITHSCORES", "LIMIT"],
        "key min max [WITHSCORES] [LIMIT offset count]", "The members of a range of scores.";
    Zrevrangebyscore, "ZREVRANGEBYSCORE", "2.2.0", "O(log(N)+M) with N the members and M those of the answer; O(log(N)) for a fixed M", By::Score, true, &["WITHSCORES", "LIMIT"],
        "key max min [WITHSCORES] [LIMIT offset count]", "The members of a range of scores, from the highest down.";
    Zrangebylex, "ZRANGEBYLEX", "2.8.9", "O(log(N)+M) with N the members and M those of the answer; O(log(N)) for a fixed M", By::Name, false, &["LIMIT"], "key min max [LIMIT offset count]",
        "The members of a range of names, where all scores are equal.";
    Zrevrangebylex, "ZREVRANGEBYLEX", "2.8.9", "O(log(N)+M) with N the members and M those of the answer; O(log(N)) for a fixed M", By::Name, true, &["LIMIT"], "key max min [LIMIT offset count]",
        "The members of a range of names, from the last down, where all scores are equal.";
}
