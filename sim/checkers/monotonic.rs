//! A node's term, commit index and applied index never go back: the term as long as it keeps its
//! disk, the indexes as long as it runs.

use std::collections::BTreeMap;

#[derive(Default)]
pub struct Monotonic {
    by_node: BTreeMap<u64, Seen>,
}

/// What a node shows at some moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// The number of its data directory.
    pub incarnation: u64,
    /// How often it was started.
    pub boot: u64,
    pub term: u64,
    pub commit: Option<u64>,
    pub applied: Option<u64>,
}

impl Monotonic {
    /// Records a node's state. A restored older copy of its disk has to be announced
    /// ([`Monotonic::forget`]).
    pub fn seen(&mut self, node: u64, now: Seen) -> Result<(), String> {
        let before = self.by_node.insert(node, now).unwrap_or_default();
        let went_back = |what: &str, from: &dyn std::fmt::Debug, to: &dyn std::fmt::Debug| {
            Err(format!("the {what} of n{node} went back from {from:?} to {to:?}"))
        };
        if before.incarnation == now.incarnation && now.term < before.term {
            return went_back("term", &before.term, &now.term);
        }
        if before.boot == now.boot && now.commit < before.commit {
            return went_back("commit index", &before.commit, &now.commit);
        }
        if before.boot == now.boot && now.applied < before.applied {
            return went_back("applied index", &before.applied, &now.applied);
        }
        Ok(())
    }

    /// Notes that a node's disk was replaced by an older copy, or lost what it had promised to
    /// keep.
    pub fn forget(&mut self, node: u64) {
        self.by_node.remove(&node);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: Seen = Seen { incarnation: 1, boot: 1, term: 4, commit: Some(9), applied: Some(8) };

    fn then(next: Seen) -> Result<(), String> {
        let mut seen = Monotonic::default();
        seen.seen(1, FIRST).expect("nothing was seen before");
        seen.seen(1, next)
    }

    #[test]
    fn what_goes_back_is_found() {
        assert_eq!(then(FIRST), Ok(()));
        assert!(then(Seen { term: 3, ..FIRST }).is_err());
        assert!(then(Seen { commit: Some(8), ..FIRST }).is_err());
        assert!(then(Seen { applied: None, ..FIRST }).is_err());
    }

    #[test]
    fn a_restart_may_forget_indexes_and_no_term() {
        let restarted = Seen { boot: 2, commit: None, applied: None, ..FIRST };
        assert_eq!(then(restarted), Ok(()));
        assert!(then(Seen { term: 3, ..restarted }).is_err());
        assert_eq!(then(Seen { term: 1, incarnation: 2, ..restarted }), Ok(()), "its disk is another");
        let mut seen = Monotonic::default();
        seen.seen(1, FIRST).expect("nothing was seen before");
        seen.forget(1);
        assert_eq!(seen.seen(1, Seen { term: 2, ..restarted }), Ok(()));
    }
}
