//! What a node finds out before it takes part: whether its cluster is new, and whether it still has
//! what it had.
//!
//! An empty directory looks the same on a new node and on one that lost its disk. A node that
//! guessed wrong would vote as if it had acknowledged nothing, and acknowledged writes would be
//! lost. So it asks the other members first. `docs/lost-disks.md` has what an operator sees of it.
//!
//! Invariants:
//! * a cluster of several is formed once: by the initial member with the lowest number, after all
//!   others said that they are in no cluster, and with the incarnations that they gave;
//! * a node whose number belongs to another incarnation never votes under that number: it enters as
//!   a learner;
//! * a node with a log neither votes nor stands for election until the members that can be reached
//!   were asked what it had acknowledged to them, and its own address who answers there.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::timeout;

use super::copies::{AtOwnAddress, Copies};
use super::standings::Standings;
use super::tasks::Tasks;
use super::verdict::{Verdict, judge};
use crate::error::Fatal;
use crate::peer::{
    Change, ChangeRefused, Endpoint, Formed, Member, PeerClients, Request, Response, Standing,
};
use crate::raft::{CHANGE_TIMEOUT, Consensus, Participation, Phase};

/// Between one round of questions and the next.
const PAUSE: Duration = Duration::from_millis(200);
/// A node that waits repeats what it waits for after this many rounds: a minute.
const ROUNDS_UNTIL_TOLD_AGAIN: u32 = 300;
/// How long a node with a log waits for the others to say what it had acknowledged. One that cannot
/// be reached cannot say it, and a cluster that starts as a whole has nobody who knows.
const RECALL_PATIENCE: Duration = Duration::from_millis(600);

/// Where the group of a node with an empty log comes from.
#[derive(Clone, Debug)]
pub enum Bootstrap {
    /// These form it, once all of them are there. Their incarnations are asked for; what is given
    /// here is not looked at.
    InitialMembers(BTreeMap<u64, Member>),
    /// Others have it, and send this node its log.
    Join,
}

/// Brings one node into its cluster.
pub struct Bootstrapper {
    pub consensus: Consensus,
    pub endpoint: Arc<Endpoint>,
    pub clients: Arc<PeerClients>,
    pub participation: Arc<Participation>,
    pub standings: Arc<Standings>,
    pub copies: Arc<Copies>,
}

impl Bootstrapper {
    /// Begins to take part, as far as that needs no other node; the rest is left to a task.
    /// `fresh`: the directory is new.
    pub async fn begin(self, bootstrap: Bootstrap, fresh: bool, tasks: &Tasks) -> Result<(), Fatal> {
        if self.consensus.is_initialized().await? {
            return self.begin_with_log(tasks).await;
        }
        let Bootstrap::InitialMembers(mut members) = bootstrap else {
            if !fresh {
                self.participation.give_up_empty_log();
            }
            return Ok(());
        };
        let identity = &self.endpoint.identity;
        // Where it is reached it knows best.
        let own = Member { incarnation: identity.incarnation, ..self.copies.own.clone() };
        members.insert(identity.node, own);
        if members.len() == 1 {
            if !fresh {
                tracing::warn!("the directory is not new and has no log: if it had one, its data is gone");
            }
            return self.consensus.initialize(members).await.map_err(Fatal::Consensus);
        }
        self.participation.set_phase(Phase::Waiting(Vec::new()));
        // A directory that is not new, and has no log, may have lost it.
        self.participation.set_recalling(!fresh);
        tasks.spawn(async move { self.find_cluster(members).await });
        Ok(())
    }

    async fn begin_with_log(self, tasks: &Tasks) -> Result<(), Fatal> {
        if self.consensus.is_alone() {
            // Nobody else could be leader, so there is no reason to wait for an election timeout.
            return self.consensus.elect().await;
        }
        self.participation.set_recalling(true);
        self.consensus.may_stand(false);
        tasks.spawn(async move {
            let ((), found) = tokio::join!(self.recall(), self.copies.look());
            if !matches!(found, AtOwnAddress::Copy(_)) {
                self.participation.set_recalling(false);
            }
            self.copies.watch(found).await;
        });
        Ok(())
    }

    /// Finds out what an empty log means, until this node takes part. `initial`: the members that
    /// form the cluster, with this node's own incarnation.
    async fn find_cluster(&self, initial: BTreeMap<u64, Member>) {
        let id = self.endpoint.node_id();
        let mut lost = false;
        let mut told = Told::default();
        while !self.participation.is_member() && !self.participation.has_lost() {
            let answers = self.standings.ask_all(&initial).await;
            let verdict = judge(id, &initial, &answers);
            if self.participation.is_recalling() {
                self.judge_empty_log(&verdict, &answers);
            }
            let phase = match verdict {
                Verdict::Form(members) => {
                    tracing::info!(
                        members = members.len(),
                        "all initial members are here: the cluster is formed"
                    );
                    if let Err(error) = self.consensus.initialize(members).await {
                        tracing::warn!(%error, "the cluster was not formed");
                    }
                    Phase::Waiting(Vec::new())
                }
                Verdict::Wait(missing) => Phase::Waiting(missing),
                Verdict::Member => Phase::Waiting(Vec::new()),
                Verdict::Removed(_) if !lost => {
                    if !self.endpoint.is_removed() {
                        tracing::error!(
                            "the cluster goes on without this node: to have it taken in again, empty its directory and start \
                             it with --join instead of --peers"
                        );
                    }
                    self.endpoint.set_removed();
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
            self.participation.set_phase(phase);
            tokio::time::sleep(PAUSE).await;
        }
        self.participation.set_phase(Phase::Done);
    }

    /// Has the leader take this node in under its new incarnation.
    ///
    /// # Errors
    /// Why the leader does not.
    async fn rejoin(&self, formed: &Formed, own: Member) -> Result<(), String> {
        let id = self.endpoint.node_id();
        if formed.members.get(&id) == Some(&own) {
            return Ok(());
        }
        let Some((leader, member)) = formed.leader.and_then(|id| Some((id, formed.members.get(&id)?))) else {
            return Err("no leader is known".to_string());
        };
        let request = Request::Change(Change::Add { id, member: own });
        match timeout(2 * CHANGE_TIMEOUT, self.clients.call(leader, member, &request)).await {
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

    /// Before a node with a log takes part: asks the other members whether it had acknowledged more
    /// than it has.
    async fn recall(&self) {
        let _ = timeout(RECALL_PATIENCE, self.standings.ask_all(&self.consensus.members())).await;
    }

    /// For a directory that is not new and has no log: whether the cluster is new, too, or the log
    /// is gone. A cluster that had a leader has more than the entry that formed it.
    fn judge_empty_log(&self, verdict: &Verdict, answers: &BTreeMap<u64, Option<Standing>>) {
        let had_a_leader = |standing: &Standing| standing.last.is_some_and(|(index, _)| index > 0);
        if *verdict == Verdict::Member && answers.values().flatten().any(had_a_leader) {
            self.participation.give_up_empty_log();
        } else if *verdict == Verdict::Member || answers.values().all(Option::is_some) {
            self.participation.set_recalling(false);
        }
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
