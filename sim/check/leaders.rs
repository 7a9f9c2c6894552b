//! Checks that there is at most one leader in a term.

use std::collections::BTreeMap;

#[derive(Default)]
pub struct Leaders {
    by_term: BTreeMap<u64, u64>,
}

impl Leaders {
    /// Records that a node leads in a term; an error if another node has led in it.
    pub fn seen(&mut self, term: u64, node: u64) -> Result<(), String> {
        let first = *self.by_term.entry(term).or_insert(node);
        if first != node {
            return Err(format!("n{first} and n{node} both lead in term {term}"));
        }
        Ok(())
    }
}
