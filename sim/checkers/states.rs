//! State-machine safety: nodes that have applied the same entries hold the same state.

use std::collections::BTreeMap;

use jsonvault::keyspace::{Keyspace, Scope};

#[derive(Default)]
pub struct States {
    by_index: BTreeMap<u64, (u64, u128)>,
}

/// One number for all keys with their values, deadlines and versions, expired ones included.
pub fn digest(keyspace: &Keyspace) -> u128 {
    keyspace.view(Scope::ManyKeys, 0).digest()
}

impl States {
    /// Records a node's state after it has applied the entry at `index`.
    pub fn seen(&mut self, index: u64, node: u64, digest: u128) -> Result<(), String> {
        let (first, theirs) = *self.by_index.entry(index).or_insert((node, digest));
        if theirs != digest {
            return Err(format!("n{first} and n{node} hold different keyspaces after entry {index}"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn different_states_after_the_same_entry_are_found() {
        let mut states = States::default();
        assert_eq!(states.seen(5, 1, 100), Ok(()));
        assert_eq!(states.seen(6, 1, 101), Ok(()));
        assert_eq!(states.seen(5, 2, 100), Ok(()));
        assert!(states.seen(6, 2, 102).is_err());
    }
}
