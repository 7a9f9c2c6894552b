//! Records what each member has acknowledged to this node as its leader, and which members turned
//! out to have lost it.
//!
//! Raft counts an entry as committed because a majority reported it durable. A member whose data
//! directory was replaced by an older copy no longer has those entries, and cannot find that out
//! itself. The leader can: it compares the member's replies with these records.
//!
//! Invariants:
//! * an acknowledgement belongs to one incarnation of a member and one leader's term, and within
//!   these it only grows;
//! * an acknowledgement is evidence of a loss only in the term in which it was given: a later
//!   leader may have truncated those entries, as Raft allows.

use std::collections::BTreeMap;

use parking_lot::Mutex;

use crate::peer::Acknowledged;
use crate::storage::log::LogPosition;

#[derive(Debug, Default)]
pub struct Acknowledgements(Mutex<BTreeMap<u64, Known>>);

#[derive(Clone, Copy, Debug)]
struct Known {
    incarnation: u64,
    acknowledged: Acknowledged,
    /// Whether the member was found to be missing the acknowledged entries.
    lost: bool,
}

impl Acknowledgements {
    /// Records that `member` replied to the leader of `leader_term` that its log is durable up to
    /// `last`.
    pub fn note(&self, member: u64, incarnation: u64, leader_term: u64, last: LogPosition) {
        let mut known = self.0.lock();
        let acknowledged = Acknowledged { leader_term, last };
        let entry = known.entry(member).or_insert(Known { incarnation, acknowledged, lost: false });
        if entry.incarnation != incarnation || entry.acknowledged.leader_term < leader_term {
            *entry = Known { incarnation, acknowledged, lost: false };
        } else if entry.acknowledged.leader_term == leader_term {
            entry.acknowledged.last = entry.acknowledged.last.max(last);
        }
    }

    /// The newest position that a member has acknowledged to this node; `None` if it has
    /// acknowledged nothing.
    pub fn of(&self, member: u64, incarnation: u64) -> Option<Acknowledged> {
        let known = self.0.lock();
        known.get(&member).filter(|known| known.incarnation == incarnation).map(|known| known.acknowledged)
    }

    /// Judges a member's reply to the leader of this term that it has no entry at `previous`.
    /// Returns the lost acknowledgement if the member had acknowledged that entry.
    pub fn missing(
        &self,
        member: u64,
        incarnation: u64,
        leader_term: u64,
        previous: Option<LogPosition>,
    ) -> Option<Acknowledged> {
        let mut known = self.0.lock();
        let known = known.get_mut(&member).filter(|known| known.incarnation == incarnation)?;
        let acknowledged = known.acknowledged;
        if acknowledged.leader_term != leader_term || previous? > acknowledged.last {
            return None;
        }
        known.lost = true;
        Some(acknowledged)
    }

    /// Whether this incarnation of a member was found to have lost acknowledged entries.
    pub fn has_lost(&self, member: u64, incarnation: u64) -> bool {
        self.0.lock().get(&member).is_some_and(|known| known.incarnation == incarnation && known.lost)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_that_was_acknowledged_and_is_missing_was_lost() {
        let all = Acknowledgements::default();
        assert_eq!(all.missing(2, 7, 3, Some((50, 3))), None, "this member has acknowledged nothing");
        all.note(2, 7, 3, (100, 3));
        all.note(2, 7, 3, (90, 3));
        assert_eq!(all.of(2, 7), Some(Acknowledged { leader_term: 3, last: (100, 3) }));
        assert_eq!(all.missing(2, 7, 3, Some((101, 3))), None, "the entry is beyond the acknowledgement");
        assert_eq!(all.missing(2, 7, 3, None), None);
        assert!(!all.has_lost(2, 7));
        assert_eq!(all.missing(2, 7, 3, Some((100, 3))), all.of(2, 7));
        assert!(all.has_lost(2, 7) && !all.has_lost(2, 8));
    }

    #[test]
    fn what_another_incarnation_or_an_earlier_term_acknowledged_is_not_held_against_a_member() {
        let all = Acknowledgements::default();
        all.note(2, 7, 3, (100, 3));
        assert_eq!(all.missing(2, 8, 3, Some((50, 3))), None);
        assert_eq!(all.of(2, 8), None);
        assert_eq!(all.missing(2, 7, 4, Some((50, 3))), None);
        all.note(2, 7, 5, (60, 3));
        assert_eq!(all.of(2, 7), Some(Acknowledged { leader_term: 5, last: (60, 3) }));
    }
}
