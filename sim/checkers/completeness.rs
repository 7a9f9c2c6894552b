//! Leader completeness: a leader's log has every entry that was committed in an earlier term
//! (§5.4.3 of the Raft paper).
//!
//! An applied entry is committed. A leader that is first seen in the newest term so far must
//! therefore have all that any node had applied by then.

#[derive(Default)]
pub struct Completeness {
    applied: Option<u64>,
}

impl Completeness {
    /// Records that a node has applied an entry.
    pub fn applied(&mut self, index: Option<u64>) {
        self.applied = self.applied.max(index);
    }

    /// Judges a leader that has just been elected, in the newest term so far.
    pub fn elected(&self, node: u64, term: u64, last: Option<u64>) -> Result<(), String> {
        match last < self.applied {
            true => Err(format!(
                "n{node} leads in term {term} with a log up to {last:?}, and {:?} had been applied",
                self.applied
            )),
            false => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_leader_that_lacks_an_applied_entry_is_found() {
        let mut seen = Completeness::default();
        assert_eq!(seen.elected(1, 1, None), Ok(()));
        seen.applied(Some(7));
        seen.applied(Some(5));
        assert_eq!(seen.elected(1, 2, Some(7)), Ok(()));
        assert!(seen.elected(2, 3, Some(6)).is_err());
        assert!(seen.elected(2, 3, None).is_err());
    }
}
