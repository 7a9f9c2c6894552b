//! Hashes: fields with values. The order of the fields is part of the replicated state, so HGETALL
//! and random choices agree on every node. It is the order of insertion, except that a removal from
//! a hash of more than 128 fields moves the last field into the gap.

pub mod read;
pub mod write;

use super::collections::scan::Page;
use super::collections::{Family, Indexed, Keyed};
use super::framework::bulks::bulk;
use super::{Group, Spec, Usage};
use crate::error::CommandError;
use crate::keyspace::{Element, Hash};
use crate::resp::Reply;

impl Family for Hash {
    const LEN: Spec =
        Spec::of_key(Group::Hash, "HLEN", 2, "2.0.0", "O(1)", "Counts the fields of a hash.", "key")
            .used(Usage::INSPECTED);
}

impl Keyed for Hash {
    const GET: Spec = Spec::of_key(
        Group::Hash,
        "HGET",
        3,
        "2.0.0",
        "O(1)",
        "Reads the value of a field of a hash.",
        "key field",
    );
    const GET_EACH: Spec = Spec::of_key(
        Group::Hash,
        "HMGET",
        -3,
        "2.0.0",
        "O(N), N: fields named",
        "Reads the values of several fields of a hash, with null for each missing one.",
        "key field ...",
    );
    const REMOVE: Spec = Spec::of_key(
        Group::Hash,
        "HDEL",
        -3,
        "2.0.0",
        "O(N), N: fields named",
        "Removes fields from a hash, and the hash itself with its last field.",
        "key field ...",
    )
    .used(Usage::DELETED_FROM);
    const SCAN: Spec = Spec::of_key(
        Group::Hash,
        "HSCAN",
        -3,
        "2.8.0",
        "O(1) for a call, O(N) for all of them, N: elements",
        "Lists the fields of a hash in batches, starting at a cursor.",
        "key cursor [MATCH pattern] [COUNT count] [NOVALUES]",
    );
    const HAS_VALUES: bool = true;

    fn lookup(&self, field: &[u8]) -> Reply {
        bulk(self.get(field))
    }

    fn remove_element(&mut self, field: &[u8]) -> bool {
        self.remove(field)
    }

    fn page(&self, page: &Page) -> Result<(Vec<Reply>, u64), CommandError> {
        page.of(self, self.walk(page.cursor, page.count))
    }
}

impl Indexed for Hash {
    const RANDOM: Spec = Spec::of_key(
        Group::Hash,
        "HRANDFIELD",
        -2,
        "6.2.0",
        "O(N), N: fields named",
        "Selects fields of a hash at random.",
        "key [count [WITHVALUES]]",
    );

    fn at(&self, position: usize) -> Option<(&Element, Option<&Element>)> {
        Hash::at(self, position).map(|(field, value)| (field, Some(value)))
    }
}
