//! Nodes that have applied equally much hold the same.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use jsonvault::keyspace::{Keyspace, Scope};

#[derive(Default)]
pub struct Digests {
    by_index: BTreeMap<u64, (u64, u64)>,
}

/// One number for all keys with their values, deadlines and versions.
pub fn digest(keyspace: &Keyspace) -> u64 {
    let mut entries = BTreeMap::new();
    keyspace.view(Scope::ManyKeys, 0).scan(0, usize::MAX, |key, entry| {
        let bytes = postcard::to_stdvec(entry).expect("an entry encodes into memory");
        entries.insert(key.clone(), bytes);
    });
    // Of fixed keys, so that a trace repeats itself.
    let mut hasher = DefaultHasher::new();
    entries.hash(&mut hasher);
    hasher.finish()
}

impl Digests {
    /// Takes note of what a node holds after it has applied the entry at `index`.
    pub fn seen(&mut self, index: u64, node: u64, digest: u64) -> Result<(), String> {
        let (first, theirs) = *self.by_index.entry(index).or_insert((node, digest));
        if theirs != digest {
            return Err(format!("n{first} and n{node} hold different keyspaces after entry {index}"));
        }
        Ok(())
    }
}
