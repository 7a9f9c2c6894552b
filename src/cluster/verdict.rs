//! Interprets the answers of the other initial members for a node with an empty log.

use std::collections::BTreeMap;

use crate::peer::{Formed, Member, Standing};

/// The conclusion from the answers.
#[derive(Debug, PartialEq, Eq)]
pub enum Verdict {
    Form(BTreeMap<u64, Member>),
    /// The node waits: these members did not answer, or have yet to form the cluster. The list is
    /// empty if the newest known membership does not have this node's number, but has not been
    /// applied yet.
    Wait(Vec<u64>),
    /// This incarnation is a member, so the leader will send the log.
    Member,
    /// The cluster knows this node's number with another incarnation: that incarnation's data is
    /// lost.
    Lost(Formed),
    /// The cluster does not know this node's number any more: the node was removed.
    Removed(Formed),
}

/// Draws the conclusion from the answers of the other initial members; `None` marks a member that
/// did not answer.
pub fn judge(id: u64, initial: &BTreeMap<u64, Member>, answers: &BTreeMap<u64, Option<Standing>>) -> Verdict {
    let own = &initial[&id];
    let formed = answers.values().flatten().filter(|standing| !standing.removed);
    let formed = formed
        .filter_map(|standing| standing.cluster.as_ref())
        .max_by_key(|formed| (formed.applied, formed.index));
    if let Some(formed) = formed {
        return match formed.members.get(&id) {
            Some(member) if member.incarnation == own.incarnation => Verdict::Member,
            Some(_) => Verdict::Lost(formed.clone()),
            None if formed.applied => Verdict::Removed(formed.clone()),
            None => Verdict::Wait(Vec::new()),
        };
    }
    let mut members = BTreeMap::from([(id, own.clone())]);
    for (other, answer) in answers {
        if let Some(Standing { incarnation, cluster: None, .. }) = answer {
            members.insert(*other, Member { incarnation: *incarnation, ..initial[other].clone() });
        }
    }
    let missing: Vec<u64> = initial.keys().copied().filter(|id| !members.contains_key(id)).collect();
    let first = *initial.keys().next().expect("the node itself is an initial member");
    match missing.is_empty() {
        false => Verdict::Wait(missing),
        true if first == id => Verdict::Form(members),
        true => Verdict::Wait(vec![first]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(incarnation: u64) -> Member {
        Member { incarnation, ..Member::default() }
    }

    /// The initial members as node `id` of three knows them. Its own incarnation is ten times its
    /// number; the other incarnations are unknown to it.
    fn initial(id: u64) -> BTreeMap<u64, Member> {
        (1..=3).map(|node| (node, member(if node == id { 10 * id } else { 0 }))).collect()
    }

    fn empty(incarnation: u64) -> Option<Standing> {
        Some(Standing {
            incarnation,
            process: 0,
            removed: false,
            cluster: None,
            acknowledged: None,
            last: None,
            applied: None,
        })
    }

    fn formed(index: u64, incarnations: &[(u64, u64)]) -> Option<Standing> {
        let members = incarnations.iter().map(|(id, incarnation)| (*id, member(*incarnation))).collect();
        let cluster = Some(Formed { index: Some(index), applied: true, members, leader: None });
        Some(Standing {
            incarnation: 1,
            process: 0,
            removed: false,
            cluster,
            acknowledged: None,
            last: None,
            applied: None,
        })
    }

    #[test]
    fn the_first_forms_the_cluster_when_all_others_are_in_none() {
        let answers = BTreeMap::from([(2, empty(20)), (3, empty(30))]);
        let members = (1..=3).map(|id| (id, member(10 * id))).collect();
        assert_eq!(judge(1, &initial(1), &answers), Verdict::Form(members));
        let answers = BTreeMap::from([(1, empty(10)), (3, empty(30))]);
        assert_eq!(judge(2, &initial(2), &answers), Verdict::Wait(vec![1]));
        let answers = BTreeMap::from([(2, empty(20)), (3, None)]);
        assert_eq!(judge(1, &initial(1), &answers), Verdict::Wait(vec![3]));
    }

    #[test]
    fn a_node_learns_from_one_that_is_in_the_cluster_what_became_of_its_number() {
        let judged = |answer| judge(1, &initial(1), &BTreeMap::from([(2, answer), (3, empty(31))]));
        assert_eq!(judged(formed(5, &[(1, 10), (2, 20)])), Verdict::Member);
        assert!(matches!(judged(formed(5, &[(1, 11), (2, 20)])), Verdict::Lost(_)));
        assert!(matches!(judged(formed(5, &[(2, 20), (3, 30)])), Verdict::Removed(_)));
    }

    #[test]
    fn the_newest_membership_counts_and_that_of_a_removed_node_does_not() {
        let (older, newer) = (formed(5, &[(1, 11)]), formed(9, &[(1, 10)]));
        let answers = BTreeMap::from([(2, older.clone()), (3, newer)]);
        assert_eq!(judge(1, &initial(1), &answers), Verdict::Member);
        let removed = older.map(|standing| Standing { removed: true, ..standing });
        let answers = BTreeMap::from([(2, removed), (3, empty(30))]);
        assert_eq!(judge(1, &initial(1), &answers), Verdict::Wait(vec![2]));
    }
}
