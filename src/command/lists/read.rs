//! Reads of lists by position.
//!
//! * `LINDEX key index`: returns the element at an index, or null.
//! * `LRANGE key start stop`: returns the elements of a range.
//! * `LPOS key element [RANK rank] [COUNT count] [MAXLEN len]`: returns the indexes of equal
//!   elements.

use crate::command::framework::bulks::{bulk, bulks};
use crate::command::framework::range::{Indexes, position};
use crate::command::{Args, Budget, Command, Context, Group, Read, Spec};
use crate::error::CommandError;
use crate::keyspace::{Collection, Element, Key, List, View};
use crate::resp::Reply;

pub struct Lindex {
    key: Key,
    index: i64,
}

impl Command for Lindex {
    const SPEC: Spec = Spec::of_key(
        Group::List,
        "LINDEX",
        3,
        "1.0.0",
        "O(N), N: elements up to the nearer end; O(1) at both ends",
        "Reads the element at an index of a list.",
        "key index",
    );
}

impl Read for Lindex {
    fn parse(args: &mut Args<'_>, _context: &Context) -> Result<Lindex, CommandError> {
        Ok(Lindex { key: args.key()?, index: args.integer()? })
    }

    fn run(self, keyspace: &View<'_>) -> Result<Reply, CommandError> {
        let element = keyspace.with_collection(self.key.as_bytes(), |list: &List| {
            bulk(position(self.index, list.len()).and_then(|position| list.get(position)))
        })?;
        Ok(element.unwrap_or(Reply::Null))
    }
}

pub struct Lrange {
    key: Key,
    indexes: Indexes,
}

impl Command for Lrange {
    const SPEC: Spec = Spec::of_key(
        Group::List,
        "LRANGE",
        4,
        "1.0.0",
        "O(S+N), S: distance from the nearer end, N: elements read",
        "Reads the elements between two indexes of a list.",
        "key start stop",
    );
}

impl Read for Lrange {
    fn parse(args: &mut Args<'_>, _context: &Context) -> Result<Lrange, CommandError> {
        Ok(Lrange { key: args.key()?, indexes: Indexes::parse(args)? })
    }

    fn run(self, keyspace: &View<'_>) -> Result<Reply, CommandError> {
        let elements = keyspace.with_collection(self.key.as_bytes(), |list: &List| {
            bulks(list.range(self.indexes.within(list.len())))
        })?;
        elements.unwrap_or(Ok(Vec::new())).map(Reply::Array)
    }
}

pub struct Lpos {
    key: Key,
    element: Element,
    /// The number of the first match to return, counted from 1. If negative, matches are counted
    /// from the end.
    rank: i64,
    /// The maximum number of matches, 0 for all. Without a count, the reply is a single index and
    /// not an array.
    count: Option<usize>,
    /// The maximum number of elements to compare; 0 for all.
    looked_at_max: usize,
}

impl Command for Lpos {
    const SPEC: Spec = Spec::of_key(
        Group::List,
        "LPOS",
        -3,
        "6.0.6",
        "O(N), N: elements of the list",
        "Finds the indexes of an element in a list.",
        "key element [RANK rank] [COUNT count] [MAXLEN len]",
    );
}

impl Read for Lpos {
    fn parse(args: &mut Args<'_>, _context: &Context) -> Result<Lpos, CommandError> {
        let (key, element) = (args.key()?, args.element()?);
        let mut lpos = Lpos { key, element, rank: 1, count: None, looked_at_max: 0 };
        while !args.is_empty() {
            if args.left() < 2 {
                return Err(CommandError::SYNTAX);
            }
            if args.keyword("RANK") {
                lpos.rank = args.integer()?;
                if lpos.rank == 0 {
                    return Err(CommandError::fixed(RANK_0));
                }
                if lpos.rank == i64::MIN {
                    return Err(CommandError::OUT_OF_RANGE);
                }
            } else if args.keyword("COUNT") {
                let count = args.count().map_err(|_| CommandError::fixed("ERR COUNT can't be negative"))?;
                lpos.count = Some(count);
            } else if args.keyword("MAXLEN") {
                lpos.looked_at_max =
                    args.count().map_err(|_| CommandError::fixed("ERR MAXLEN can't be negative"))?;
            } else {
                return Err(CommandError::SYNTAX);
            }
        }
        Ok(lpos)
    }

    fn run(self, keyspace: &View<'_>) -> Result<Reply, CommandError> {
        let found = keyspace.with_collection(self.key.as_bytes(), |list: &List| self.found(list))?;
        let found = found.unwrap_or(Ok(Vec::new()))?;
        match self.count {
            None => Ok(found.into_iter().next().unwrap_or(Reply::Null)),
            Some(_) => Ok(Reply::Array(found)),
        }
    }
}

const RANK_0: &str = "ERR RANK can't be zero: use 1 to start from the first match, 2 from the second ... or use negative to start from the end of the list";

impl Lpos {
    fn found(&self, list: &List) -> Result<Vec<Reply>, CommandError> {
        let all = |count: usize| if count == 0 { usize::MAX } else { count };
        let looked_at = all(self.looked_at_max).min(list.len());
        let skipped = self.rank.unsigned_abs() - 1;
        let backward = self.rank < 0;
        let position = |step: usize| if backward { list.len() - 1 - step } else { step };
        let matches = (0..looked_at).map(position).filter(|&index| list.get(index) == Some(&self.element));
        let mut budget = Budget::default();
        let reply = |index: usize| {
            budget.spend(size_of::<Reply>())?;
            Ok(Reply::Integer(index as i64))
        };
        let skipped = usize::try_from(skipped).unwrap_or(usize::MAX);
        matches.skip(skipped).take(all(self.count.unwrap_or(1))).map(reply).collect()
    }
}
