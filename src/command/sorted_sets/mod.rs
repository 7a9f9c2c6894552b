//! Sorted sets: members with scores, ordered by score and then by name.
//!
//! [`bounds`] parses ranges by rank, score or name, and resolves them to ranks.

pub mod add;
mod bounds;
pub mod range;
pub mod rank;
pub mod remove;

use super::collections::scan::Page;
use super::collections::{Family, Keyed};
use super::framework::bulks::scored;
use super::strings::number::{NOT_A_FLOAT, real};
use super::{Args, Group, Spec, Usage};
use crate::error::CommandError;
use crate::keyspace::{Element, SortedSet};
use crate::resp::{Reply, write_double};

/// The error for a sum that is not a number, such as that of both infinities.
const NOT_A_NUMBER: CommandError = CommandError::fixed("ERR resulting score is not a number (NaN)");

/// The next word as a score: any number except NaN; infinities are allowed.
fn score(args: &mut Args<'_>) -> Result<f64, CommandError> {
    real(args.word()?).ok_or(NOT_A_FLOAT)
}

impl Family for SortedSet {
    const LEN: Spec = Spec::of_key(
        Group::SortedSet,
        "ZCARD",
        2,
        "1.2.0",
        "O(1)",
        "Counts the members of a sorted set.",
        "key",
    )
    .used(Usage::INSPECTED);
}

impl Keyed for SortedSet {
    const GET: Spec = Spec::of_key(
        Group::SortedSet,
        "ZSCORE",
        3,
        "1.2.0",
        "O(1)",
        "Reads the score of one member.",
        "key member",
    );
    const GET_EACH: Spec = Spec::of_key(
        Group::SortedSet,
        "ZMSCORE",
        -3,
        "6.2.0",
        "O(N), N: members named",
        "Reads the scores of several members, with null for each missing one.",
        "key member ...",
    );
    const REMOVE: Spec = Spec::of_key(
        Group::SortedSet,
        "ZREM",
        -3,
        "1.2.0",
        "O(M*log(N)), N: members, M: members removed",
        "Removes members from a sorted set, and the set itself with its last member.",
        "key member ...",
    )
    .used(Usage::DELETED_FROM);
    const SCAN: Spec = Spec::of_key(
        Group::SortedSet,
        "ZSCAN",
        -3,
        "2.8.0",
        "O(1) for a call, O(N) for all of them, N: elements",
        "Lists members and their scores in batches, starting at a cursor.",
        "key cursor [MATCH pattern] [COUNT count]",
    );
    const HAS_VALUES: bool = false;

    fn lookup(&self, member: &[u8]) -> Reply {
        self.score(member).map_or(Reply::Null, Reply::Double)
    }

    fn remove_element(&mut self, member: &[u8]) -> bool {
        self.remove(member).is_some()
    }

    fn page(&self, page: &Page) -> Result<(Vec<Reply>, u64), CommandError> {
        let (positions, next) = self.walk(page.cursor, page.count);
        let seen: Vec<(&Element, f64)> = match page.cursor == 0 && next == 0 {
            // A reply with all members is in the order of the scores, as with Redis' compact
            // encoding.
            true => self.forward(0).collect(),
            false => positions.into_iter().filter_map(|position| self.member(position)).collect(),
        };
        let mut wanted = Vec::new();
        for (member, score) in seen {
            if page.wants(member)? {
                wanted.push((member, score));
            }
        }
        let pairs = scored(wanted.into_iter(), false)?;
        Ok((pairs.into_iter().map(as_text).collect(), next))
    }
}

/// Scores in the reply of a scan are strings in both versions of the protocol.
fn as_text(reply: Reply) -> Reply {
    match reply {
        Reply::Double(score) => {
            let mut text = String::new();
            write_double(score, &mut text);
            Reply::bulk(text)
        }
        other => other,
    }
}
