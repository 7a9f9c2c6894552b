//! Sets: distinct members. Their order is part of the replicated state, so SMEMBERS and random
//! choices agree on every node. It is the order of insertion, except that a removal from a set of
//! more than 128 members moves the last member into the gap.

pub mod read;
pub mod write;

use super::collections::scan::Page;
use super::collections::{Family, Indexed, Keyed};
use super::{Group, Spec, Usage};
use crate::error::CommandError;
use crate::keyspace::{Element, Set};
use crate::resp::Reply;

impl Family for Set {
    const LEN: Spec =
        Spec::of_key(Group::Set, "SCARD", 2, "1.0.0", "O(1)", "Counts the members of a set.", "key")
            .used(Usage::INSPECTED);
}

impl Keyed for Set {
    const GET: Spec = Spec::of_key(
        Group::Set,
        "SISMEMBER",
        3,
        "1.0.0",
        "O(1)",
        "Reports whether a set has a member.",
        "key member",
    )
    .used(Usage::INSPECTED);
    const GET_EACH: Spec = Spec::of_key(
        Group::Set,
        "SMISMEMBER",
        -3,
        "6.2.0",
        "O(N), N: members named",
        "Reports for each of several members whether a set has it.",
        "key member ...",
    );
    const REMOVE: Spec = Spec::of_key(
        Group::Set,
        "SREM",
        -3,
        "1.0.0",
        "O(N), N: elements removed",
        "Removes members from a set, and the set itself with its last member.",
        "key member ...",
    )
    .used(Usage::DELETED_FROM);
    const SCAN: Spec = Spec::of_key(
        Group::Set,
        "SSCAN",
        -3,
        "2.8.0",
        "O(1) for a call, O(N) for all of them, N: elements",
        "Lists the members of a set in batches, starting at a cursor.",
        "key cursor [MATCH pattern] [COUNT count]",
    );
    const HAS_VALUES: bool = false;

    fn lookup(&self, member: &[u8]) -> Reply {
        Reply::Integer(i64::from(self.contains(member)))
    }

    fn remove_element(&mut self, member: &[u8]) -> bool {
        self.remove(member)
    }

    fn page(&self, page: &Page) -> Result<(Vec<Reply>, u64), CommandError> {
        page.of(self, self.walk(page.cursor, page.count))
    }
}

impl Indexed for Set {
    const RANDOM: Spec = Spec::of_key(
        Group::Set,
        "SRANDMEMBER",
        -2,
        "1.0.0",
        "O(1) without a count, O(N) with one, N: the count",
        "Selects members of a set at random.",
        "key [count]",
    );

    fn at(&self, position: usize) -> Option<(&Element, Option<&Element>)> {
        Set::at(self, position).map(|member| (member, None))
    }
}
