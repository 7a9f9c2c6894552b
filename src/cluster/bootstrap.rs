//! What a node finds out before it takes part: whether its cluster is new, and whether it still has what it had.
//!
//! An empty directory looks the same on a new node and on one that lost its disk. A node that guessed wrong would vote as if
//! it had acknowledged nothing, and acknowledged writes would be lost. So it asks the other members first.
//! `docs/lost-disks.md` has what an operator sees of it.
//!
//! Invariants:
//! * a cluster of several is formed once: by the initial member with the lowest number, after all others said that they
//!   are in no cluster, and with the incarnations that they gave;
//! * a node whose number belongs to another incarnation never votes under that number: it enters as a learner;
//! * a node with a log neither votes nor stands for election until the members that can be reached were asked what it
//!   had acknowledged to them.

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::future::join_all;
use openraft::async_runtime::watch::WatchReceiver;
use tokio::time::timeout;

use super::group::Group;
use super::membership::CHANGE_TIMEOUT;
use crate::peer::Member;
use crate::peer::{Acknowledged, Asker, Change, ChangeRefused, Formed, Request, Response, Standing, Target};
use crate::raft::codec;

/// Between one round of questions and the next.
const PAUSE: Duration = Duration::from_millis(200);
/// A node that waits repeats what it waits for after this many rounds: a minute.
const ROUNDS_UNTIL_TOLD_AGAIN: u32 = 300;
/// How often a learner reminds the leader of itself.
const CLAIM_EVERY: Duration = Duration::from_secs(2);
/// How long a node with a log waits for the others to say what it had acknowledged. One that cannot be reached cannot
/// say it, and a cluster that starts as a whole has nobody who knows.
const RECALL_PATIENCE: Duration = Duration::from_millis(600);

/// How far a node is that found its log empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Phase {
    /// It takes part.
    #[default]
    Done,
    /// It waits for these to answer, or to begin.
    Waiting(Vec<u64>),
    /// Its data is gone, and it asks to be taken in anew.
    Rejoining,
}

/// What the others' answers mean for a node with an empty log.
#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    Form(BTreeMap<u64, Member>),
    /// These did not answer, or have to begin.
    Wait(Vec<u64>),
    /// This incarnation is a member: the leader will send the log.
    Member,
    /// The number belongs to an incarnation whose data is gone.
    Lost(Formed),
    /// The cluster goes on without this number.
    Removed(Formed),
}

/// Judges the answers of the other initial members; `None`: there was none.
fn judge(id: u64, initial: &BTreeMap<u64, Member>, answers: &BTreeMap<u64, Option<Standing>>) -> Verdict {
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

impl Group {
    /// Asks a node who it is and what it knows of this one.
    async fn ask_standing(&self, id: u64, address: &str) -> Option<Standing> {
        let target = Target { id, address, incarnation: None };
        match self.clients().ask(target, &Request::Standing).await {
            Ok(Response::Standing(standing)) => Some(standing),
            Ok(other) => {
                tracing::warn!(node = id, ?other, "an answer of the wrong kind");
                None
            }
            Err(error) => {
                tracing::debug!(node = id, %error, "a node cannot be asked");
                None
            }
        }
    }

    /// Asks all of these but this node. What one of them says was acknowledged to it is held against the log at once: an
    /// answer that is late must not take the others with it.
    async fn ask_all(&self, members: &BTreeMap<u64, Member>) -> BTreeMap<u64, Option<Standing>> {
        let own = self.endpoint().node_id();
        let others = members.iter().filter(|(id, _)| **id != own);
        let questions = others.map(|(id, member)| async move {
            let standing = self.ask_standing(*id, &member.raft_address).await;
            if let Some(acknowledged) = standing.as_ref().and_then(|standing| standing.acknowledged) {
                self.check_kept(acknowledged);
            }
            (*id, standing)
        });
        join_all(questions).await.into_iter().collect()
    }

    /// The incarnation that a node at this address has; `None` if it does not answer.
    pub async fn ask_incarnation(&self, id: u64, address: &str) -> Option<u64> {
        self.ask_standing(id, address).await.map(|standing| standing.incarnation)
    }

    /// What this node says of itself and of the node that asks.
    pub(crate) fn standing(&self, from: Asker) -> Standing {
        let metrics = self.raft().metrics();
        let metrics = metrics.borrow_watched();
        let membership = &metrics.membership_config;
        let (mut index, mut members) = self.endpoint().members();
        let applied = !members.is_empty();
        if !applied {
            index = membership.log_id().as_ref().map(|id| id.index());
            members = membership.nodes().map(|(id, member)| (*id, member.clone())).collect();
        }
        let formed = || Formed { index, applied, members, leader: metrics.current_leader };
        Standing {
            incarnation: self.endpoint().identity.incarnation,
            removed: self.endpoint().is_removed(),
            // Also while nothing was applied: a node with a log is in a cluster.
            cluster: (membership.nodes().count() > 0).then(formed),
            acknowledged: self.endpoint().acknowledged.of(from.id, from.incarnation),
            last: self.log().last().or(self.log().purged()),
            applied: metrics.last_applied.as_ref().map(codec::pair),
        }
    }

    /// Finds out what an empty log means, until this node takes part. `initial`: the members that form the cluster, with
    /// this node's own incarnation.
    pub(crate) async fn bootstrap(self, initial: BTreeMap<u64, Member>) {
        let id = self.endpoint().node_id();
        let mut lost = false;
        let mut told = Told::default();
        while !self.is_member() && !self.endpoint().has_lost() {
            let answers = self.ask_all(&initial).await;
            let verdict = judge(id, &initial, &answers);
            if self.is_recalling() {
                self.judge_empty_log(&verdict, &answers);
            }
            let phase = match verdict {
                Verdict::Form(members) => {
                    tracing::info!(
                        members = members.len(),
                        "all initial members are here: the cluster is formed"
                    );
                    if let Err(error) = self.raft().initialize(members).await {
                        tracing::warn!(%error, "the cluster was not formed");
                    }
                    Phase::Waiting(Vec::new())
                }
                Verdict::Wait(missing) => Phase::Waiting(missing),
                Verdict::Member => Phase::Waiting(Vec::new()),
                Verdict::Removed(_) if !lost => {
                    if !self.endpoint().is_removed() {
                        tracing::error!(
                            "the cluster goes on without this node: to have it taken in again, empty its directory and start \
                             it with --join instead of --peers"
                        );
                    }
                    self.endpoint().set_removed();
                    Phase::Waiting(Vec::new())
                }
                Verdict::Lost(formed) | Verdict::Removed(formed) => {
                    lost = true;
                    if let Err(reason) = self.rejoin(&formed, initial[&id].clone()).await
                        && told.refused.as_ref() != Some(&reason)
                    {
                        tracing::warn!(reason, "this node was not taken in anew yet");
                        told.refused = Some(reason);
                    }
                    Phase::Rejoining
                }
            };
            told.tell(&phase);
            self.set_phase(phase);
            tokio::time::sleep(PAUSE).await;
        }
        self.set_phase(Phase::Done);
    }

    /// Has the leader take this node in under its new incarnation.
    ///
    /// # Errors
    /// Why the leader does not.
    async fn rejoin(&self, formed: &Formed, own: Member) -> Result<(), String> {
        let id = self.endpoint().node_id();
        if formed.members.get(&id) == Some(&own) {
            return Ok(());
        }
        let Some((leader, member)) = formed.leader.and_then(|id| Some((id, formed.members.get(&id)?))) else {
            return Err("no leader is known".to_string());
        };
        let request = Request::Change(Change::Add { id, member: own });
        match timeout(2 * CHANGE_TIMEOUT, self.clients().call(leader, member, &request)).await {
            Ok(Ok(Response::Changed(Ok(())))) => {
                tracing::info!(leader, "this node was taken in anew, and is sent what the cluster has");
                Ok(())
            }
            Ok(Ok(Response::Changed(Err(ChangeRefused::NotLeader)))) | Ok(Err(_)) | Err(_) => {
                Err("the leader did not answer".to_string())
            }
            Ok(Ok(refused)) => Err(format!("{refused:?}")),
        }
    }

    /// Whether this incarnation is among the members that this node knows.
    fn is_member(&self) -> bool {
        let (id, incarnation) = (self.endpoint().node_id(), self.endpoint().identity.incarnation);
        let metrics = self.raft().metrics();
        let metrics = metrics.borrow_watched();
        let member = metrics.membership_config.membership().get_node(&id);
        member.is_some_and(|member| member.incarnation == incarnation)
    }

    /// While this node is a learner it asks the leader for a vote: the one that was to give it may lead no more. For as
    /// long as it is polled.
    pub(crate) async fn claim_vote(self) {
        let id = self.endpoint().node_id();
        loop {
            tokio::time::sleep(CLAIM_EVERY).await;
            if !self.is_member() || self.voters().contains(&id) {
                continue;
            }
            let incarnation = self.endpoint().identity.incarnation;
            if let Err(refused) = self.change(Change::Claim { id, incarnation }).await {
                tracing::debug!(?refused, "this learner gets no vote yet");
            }
        }
    }

    /// Before a node with a log takes part: asks the other members whether it had acknowledged more than it has.
    pub(crate) async fn recall(&self) {
        let _ = timeout(RECALL_PATIENCE, self.ask_all(&self.member_nodes())).await;
    }

    /// Compares the log with what this node acknowledged to a leader. A node that was in a later term may rightly have less.
    pub(crate) fn check_kept(&self, acknowledged: Acknowledged) {
        let term = self.raft().metrics().borrow_watched().current_term;
        let last = self.log().last().or(self.log().purged());
        // As Raft compares logs (§5.4.1): the term first.
        let order = |(index, term): (u64, u64)| (term, index);
        let kept = last.map(order) >= Some(order(acknowledged.last));
        if term <= acknowledged.leader_term && !kept {
            let (acknowledged, last) = (acknowledged.last.0, last.map_or(-1, |(index, _)| index as i64));
            self.give_up(&format!("entry {acknowledged} was acknowledged, and the log ends at {last}"));
        }
    }

    fn give_up(&self, reason: &str) {
        self.raft().runtime_config().elect(false);
        self.endpoint().set_lost(reason);
    }

    /// For a directory that is not new and has no log: whether the cluster is new, too, or the log is gone. A cluster that
    /// had a leader has more than the entry that formed it.
    fn judge_empty_log(&self, verdict: &Verdict, answers: &BTreeMap<u64, Option<Standing>>) {
        let had_a_leader = |standing: &Standing| standing.last.is_some_and(|(index, _)| index > 0);
        if *verdict == Verdict::Member && answers.values().flatten().any(had_a_leader) {
            self.give_up_empty_log();
        } else if *verdict == Verdict::Member || answers.values().all(Option::is_some) {
            self.end_recalling();
        }
    }

    /// Without a log and without initial members to ask: whatever the log held is gone.
    pub(crate) fn give_up_empty_log(&self) {
        self.give_up("its log is gone");
    }

    /// Whether a node that is to become a member has applied only what this one has, too: not so after nodes went on
    /// without each other. One that does not answer is about to start with an empty directory.
    pub(crate) async fn check_history(&self, id: u64, member: &Member) -> Result<(), ChangeRefused> {
        let standing = self.ask_standing(id, &member.raft_address).await;
        let Some((index, term)) = standing.and_then(|standing| standing.applied) else { return Ok(()) };
        let purged = || self.log().purged().filter(|purged| purged.0 == index).map(|purged| purged.1);
        if self.log().term_of(index).or_else(purged) == Some(term) {
            return Ok(());
        }
        Err(ChangeRefused::Impossible(format!(
            "node {id} has applied entry {index} of term {term}, which this cluster does not have, or no longer in its \
             log: empty its directory and start it with --join"
        )))
    }
}

/// Says what a node waits for: when it changes, and now and then.
#[derive(Default)]
struct Told {
    last: Option<Phase>,
    rounds: u32,
    /// Why the leader did not take this node in, as it was told last.
    refused: Option<String>,
}

impl Told {
    fn tell(&mut self, phase: &Phase) {
        self.rounds += 1;
        if self.last.as_ref() == Some(phase) && !self.rounds.is_multiple_of(ROUNDS_UNTIL_TOLD_AGAIN) {
            return;
        }
        self.last = Some(phase.clone());
        match phase {
            Phase::Waiting(nodes) if !nodes.is_empty() => {
                tracing::warn!(
                    ?nodes,
                    "waiting for all initial members, to form the cluster or find it formed"
                );
            }
            Phase::Rejoining => tracing::error!(
                "the data of this node is gone: it was a member with another directory; it votes for nobody, and asks \
                 to be taken in anew"
            ),
            Phase::Waiting(_) | Phase::Done => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(incarnation: u64) -> Member {
        Member { incarnation, ..Member::default() }
    }

    /// Node `id` of three has incarnation 10 times its number, and knows of the others only where they are.
    fn initial(id: u64) -> BTreeMap<u64, Member> {
        (1..=3).map(|node| (node, member(if node == id { 10 * id } else { 0 }))).collect()
    }

    fn empty(incarnation: u64) -> Option<Standing> {
        Some(Standing {
            incarnation,
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
