//! Checks that nodes which have applied the same entries hold the same state.

use std::collections::BTreeMap;

use jsonvault::keyspace::{Keyspace, Scope};

#[derive(Default)]
pub struct Digests {
    by_index: BTreeMap<u64, (u64, u128)>,
}

/// A digest of all keys with their values, deadlines and versions, expired keys included.
pub fn digest(keyspace: &Keyspace) -> u128 {
    keyspace.view(Scope::ManyKeys, 0).digest()
}

impl Digests {
    /// Records a node's state after it has applied the entry at `index`.
    pub fn seen(&mut self, index: u64, node: u64, digest: u128) -> Result<(), String> {
        let (first, theirs) = *self.by_index.entry(index).or_insert((node, digest));
        if theirs != digest {
            return Err(format!("n{first} and n{node} hold different keyspaces after entry {index}"));
        }
        Ok(())
    }
}
