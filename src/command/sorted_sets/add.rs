//! Writes of scores.
//!
//! * `ZADD key [NX | XX] [GT | LT] [CH] [INCR] score member ...`: sets scores and returns how many
//!   members are new; with `CH`, how many are new or changed; with `INCR`, the new score of the
//!   only member, or null if an option prevented the change.
//! * `ZINCRBY key increment member`: adds to the score of a member and returns the sum.

use serde::{Deserialize, Serialize};

use super::{NOT_A_NUMBER, score};
use crate::command::json::set::Condition;
use crate::command::strings::number::{NOT_A_FLOAT, real};
use crate::command::{Args, Command, Context, Flags, Group, Spec, Usage, Write};
use crate::error::CommandError;
use crate::keyspace::{Collection, Edited, Element, Key, SortedSet, Writer};
use crate::resp::Reply;

#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub struct Zadd {
    key: Key,
    condition: Condition,
    only: Only,
    /// `CH`: the reply also counts existing members whose score was changed.
    counts_changed: bool,
    /// `INCR`: the score is added to the present score.
    adds: bool,
    pairs: Vec<(f64, Element)>,
}

/// `GT` and `LT`: the condition on the new score of an existing member, compared with its present
/// score.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
enum Only {
    #[default]
    Any,
    Greater,
    Less,
}

impl Command for Zadd {
    const SPEC: Spec = Spec::of_key(
        Group::SortedSet,
        "ZADD",
        -4,
        "1.2.0",
        "O(log(N)) for each member added, N: members",
        "Adds members to a sorted set, or changes their scores.",
        "key [NX | XX] [GT | LT] [CH] [INCR] score member [score member ...]",
    )
    .used(Usage::UPDATED);
    const FLAGS: Flags = Flags { fast: true, ..Flags::DEFAULT };
}

#[derive(Default)]
struct Options {
    nx: bool,
    xx: bool,
    gt: bool,
    lt: bool,
    ch: bool,
    incr: bool,
}

impl Options {
    fn parse(args: &mut Args<'_>) -> Options {
        let mut options = Options::default();
        loop {
            let words = [
                ("NX", &mut options.nx),
                ("XX", &mut options.xx),
                ("GT", &mut options.gt),
                ("LT", &mut options.lt),
                ("CH", &mut options.ch),
                ("INCR", &mut options.incr),
            ];
            let Some((_, option)) = words.into_iter().find(|(word, _)| args.keyword(word)) else { break };
            *option = true;
        }
        options
    }

    fn condition(&self) -> Result<Condition, CommandError> {
        match (self.nx, self.xx) {
            (true, true) => {
                Err(CommandError::fixed("ERR XX and NX options at the same time are not compatible"))
            }
            (true, false) => Ok(Condition::Missing),
            (false, true) => Ok(Condition::Present),
            (false, false) => Ok(Condition::Always),
        }
    }

    fn only(&self) -> Result<Only, CommandError> {
        if [self.nx, self.gt, self.lt].into_iter().filter(|&asked| asked).count() > 1 {
            return Err(CommandError::fixed(
                "ERR GT, LT, and/or NX options at the same time are not compatible",
            ));
        }
        Ok(match (self.gt, self.lt) {
            (true, _) => Only::Greater,
            (_, true) => Only::Less,
            _ => Only::Any,
        })
    }
}

impl Write for Zadd {
    fn parse(args: &mut Args<'_>, _context: &Context) -> Result<Zadd, CommandError> {
        let key = args.key()?;
        let options = Options::parse(args);
        if args.is_empty() || !args.left().is_multiple_of(2) {
            return Err(CommandError::SYNTAX);
        }
        let (condition, only) = (options.condition()?, options.only()?);
        if options.incr && args.left() > 2 {
            return Err(CommandError::fixed("ERR INCR option supports a single increment-element pair"));
        }
        let pair =
            |pair: &[bytes::Bytes]| Ok((real(&pair[0]).ok_or(NOT_A_FLOAT)?, Element::from(&pair[1][..])));
        let pairs = args.rest().chunks_exact(2).map(pair).collect::<Result<_, CommandError>>()?;
        Ok(Zadd { key, condition, only, counts_changed: options.ch, adds: options.incr, pairs })
    }

    fn apply(self, keyspace: &mut Writer<'_>) -> Result<Reply, CommandError> {
        let Zadd { key, condition, only, counts_changed, adds, pairs } = self;
        assert!(!adds || pairs.len() == 1, "INCR has one pair, so that an error changes nothing");
        keyspace.edit_or_begin(key, |set: &mut SortedSet| {
            set.room_for(pairs.iter().map(|(_, member)| member.cost()).sum())?;
            let (mut new, mut changed, mut last) = (0, 0, None);
            for (mut score, member) in pairs {
                let before = set.score(member.as_bytes());
                if !condition.allows(before.is_some()) {
                    continue;
                }
                score += if adds { before.unwrap_or(0.0) } else { 0.0 };
                if score.is_nan() {
                    return Err(NOT_A_NUMBER);
                }
                if !before.is_none_or(|before| only.allows(before, score)) {
                    continue;
                }
                last = Some(score);
                if before != Some(score) {
                    changed += 1;
                    new += i64::from(before.is_none());
                    set.insert(member, score);
                }
            }
            let reply = match adds {
                true => last.map_or(Reply::Null, Reply::Double),
                false => Reply::Integer(if counts_changed { changed } else { new }),
            };
            Ok(if changed == 0 { Edited::Unchanged(reply) } else { Edited::Changed(reply) })
        })
    }
}

impl Only {
    fn allows(self, before: f64, score: f64) -> bool {
        match self {
            Only::Any => true,
            Only::Greater => score > before,
            Only::Less => score < before,
        }
    }
}

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
        "O(log(N)), N: members",
        "Adds to the score of a member; a missing one counts as 0.",
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
