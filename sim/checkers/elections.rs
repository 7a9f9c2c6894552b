//! Election safety: at most one leader in a term.

use std::collections::BTreeMap;

#[derive(Default)]
pub struct Elections {
    by_term: BTreeMap<u64, u64>,
}

impl Elections {
    /// Records that a node leads in a term. Returns whether this is news.
    pub fn seen(&mut self, term: u64, node: u64) -> Result<bool, String> {
        match self.by_term.insert(term, node) {
            None => Ok(true),
            Some(first) if first == node => Ok(false),
            Some(first) => Err(format!("n{first} and n{node} both lead in term {term}")),
        }
    }

    /// The latest term that had a leader.
    pub fn latest(&self) -> Option<u64> {
        self.by_term.keys().next_back().copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_leader_of_a_term_is_found() {
        let mut elections = Elections::default();
        assert_eq!(elections.seen(3, 1), Ok(true));
        assert_eq!(elections.seen(3, 1), Ok(false));
        assert_eq!(elections.seen(4, 2), Ok(true));
        assert_eq!(elections.latest(), Some(4));
        assert!(elections.seen(3, 2).is_err());
    }
}
