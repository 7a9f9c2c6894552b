//! Reads of ranges by rank, score or name.
//!
//! * `ZRANGE key start stop [BYSCORE | BYLEX] [REV] [LIMIT offset count] [WITHSCORES]`: returns the
//!   members of a range.
//! * `ZREVRANGE`, `ZRANGEBYSCORE`, `ZREVRANGEBYSCORE`, `ZRANGEBYLEX`, `ZREVRANGEBYLEX`: older
//!   commands, each for certain options of ZRANGE.

use super::bounds::Bounds;
use crate::command::framework::bulks::{bulks, scored};
use crate::command::{Args, Command, Context, Group, Read, Spec};
use crate::error::CommandError;
use crate::keyspace::{Collection, Element, Key, SortedSet, View};
use crate::resp::{Protocol, Reply};

const LIMIT_OF_RANKS: CommandError = CommandError::fixed(
    "ERR syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX",
);
const SCORES_OF_NAMES: CommandError =
    CommandError::fixed("ERR syntax error, WITHSCORES not supported in combination with BYLEX");

/// The common form of all commands that return a range.
pub struct Range {
    key: Key,
    bounds: Bounds,
    backward: bool,
    tail: Tail,
    in_pairs: bool,
}

/// The options after the bounds.
#[derive(Default)]
pub struct Tail {
    by_score: bool,
    by_name: bool,
    backward: bool,
    limit: Option<(i64, i64)>,
    with_scores: bool,
}

/// The type of the bounds of a range.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum By {
    Rank,
    Score,
    Name,
}

impl Tail {
    /// Parses the options after the bounds. `options` are those that the command accepts.
    fn parse(args: &mut Args<'_>, options: &[&str]) -> Result<Tail, CommandError> {
        let mut tail = Tail::default();
        while !args.is_empty() {
            let found = options.iter().find(|option| args.keyword(option)).ok_or(CommandError::SYNTAX)?;
            match *found {
                "BYSCORE" => tail.by_score = true,
                "BYLEX" => tail.by_name = true,
                "REV" => tail.backward = true,
                "WITHSCORES" => tail.with_scores = true,
                _ if args.left() < 2 => return Err(CommandError::SYNTAX),
                _ => tail.limit = Some((args.integer()?, args.integer()?)),
            }
        }
        Ok(tail)
    }
}

impl Range {
    /// Parses a command whose name determines the type of the bounds and the direction.
    pub fn parse(
        args: &mut Args<'_>,
        context: &Context,
        by: By,
        backward: bool,
        options: &[&str],
    ) -> Result<Range, CommandError> {
        let key = args.key()?;
        let bounds = Range::bounds(args, by, backward)?;
        let tail = Tail::parse(args, options)?;
        Ok(Range { key, bounds, backward, tail, in_pairs: context.protocol == Protocol::Resp3 })
    }

    fn bounds(args: &mut Args<'_>, by: By, backward: bool) -> Result<Bounds, CommandError> {
        match by {
            By::Rank => Bounds::ranks(args),
            By::Score => Bounds::scores(args, backward),
            By::Name => Bounds::names(args, backward),
        }
    }

    pub fn run(self, keyspace: &View<'_>) -> Result<Reply, CommandError> {
        let members = keyspace.with_collection(self.key.as_bytes(), |set: &SortedSet| {
            let range = self.bounds.within(set, self.backward);
            let (offset, count) = self.tail.limit.unwrap_or((0, -1));
            let Ok(offset) = usize::try_from(offset) else { return Ok(Vec::new()) };
            let left = range.len().saturating_sub(offset);
            let count = usize::try_from(count).map_or(left, |count| count.min(left));
            if count == 0 {
                return Ok(Vec::new());
            }
            match self.backward {
                true => self.answer(set.backward(set.len() - range.end + offset).take(count)),
                false => self.answer(set.forward(range.start + offset).take(count)),
            }
        })?;
        members.unwrap_or(Ok(Vec::new())).map(Reply::Array)
    }

    fn answer<'a>(
        &self,
        members: impl Iterator<Item = (&'a Element, f64)> + Clone,
    ) -> Result<Vec<Reply>, CommandError> {
        match self.tail.with_scores {
            true => scored(members, self.in_pairs),
            false => bulks(members.map(|(member, _)| member)),
        }
    }
}

pub struct Zrange(Range);

impl Command for Zrange {
    const SPEC: Spec = Spec::of_key(
        Group::SortedSet,
        "ZRANGE",
        -4,
        "1.2.0",
        "O(log(N)+M), N: members, M: members listed",
        "Lists the members between two ranks, scores or names.",
        "key start stop [BYSCORE | BYLEX] [REV] [LIMIT offset count] [WITHSCORES]",
    );
}

impl Read for Zrange {
    fn parse(args: &mut Args<'_>, context: &Context) -> Result<Zrange, CommandError> {
        let key = args.key()?;
        // The type of the bounds is known only after the options that follow them.
        let words = [args.word()?.clone(), args.word()?.clone()];
        let tail = Tail::parse(args, &["BYSCORE", "BYLEX", "REV", "WITHSCORES", "LIMIT"])?;
        let by = match (tail.by_score, tail.by_name) {
            (true, true) => return Err(CommandError::SYNTAX),
            (true, false) => By::Score,
            (false, true) if tail.with_scores => return Err(SCORES_OF_NAMES),
            (false, true) => By::Name,
            (false, false) if tail.limit.is_some() => return Err(LIMIT_OF_RANKS),
            (false, false) => By::Rank,
        };
        let bounds = Range::bounds(&mut Args::new("ZRANGE", &words), by, tail.backward)?;
        let in_pairs = context.protocol == Protocol::Resp3;
        Ok(Zrange(Range { key, bounds, backward: tail.backward, tail, in_pairs }))
    }

    fn run(self, keyspace: &View<'_>) -> Result<Reply, CommandError> {
        self.0.run(keyspace)
    }
}

macro_rules! range_old_commands {
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

range_old_commands! {
    Zrevrange, "ZREVRANGE", "1.2.0", "O(log(N)+M), N: members, M: members listed", By::Rank, true, &["WITHSCORES"], "key start stop [WITHSCORES]",
        "Lists the members between two ranks, highest score first.";
    Zrangebyscore, "ZRANGEBYSCORE", "1.0.5", "O(log(N)+M), N: members, M: members listed; O(log(N)) for a fixed M", By::Score, false, &["WITHSCORES", "LIMIT"],
        "key min max [WITHSCORES] [LIMIT offset count]", "Lists the members between two scores, lowest first.";
    Zrevrangebyscore, "ZREVRANGEBYSCORE", "2.2.0", "O(log(N)+M), N: members, M: members listed; O(log(N)) for a fixed M", By::Score, true, &["WITHSCORES", "LIMIT"],
        "key max min [WITHSCORES] [LIMIT offset count]", "Lists the members between two scores, highest first.";
    Zrangebylex, "ZRANGEBYLEX", "2.8.9", "O(log(N)+M), N: members, M: members listed; O(log(N)) for a fixed M", By::Name, false, &["LIMIT"], "key min max [LIMIT offset count]",
        "Lists the members between two names, first to last.";
    Zrevrangebylex, "ZREVRANGEBYLEX", "2.8.9", "O(log(N)+M), N: members, M: members listed; O(log(N)) for a fixed M", By::Name, true, &["LIMIT"], "key max min [LIMIT offset count]",
        "Lists the members between two names, last to first.";
}
