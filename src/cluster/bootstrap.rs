//! Decides how a starting node takes part: whether its cluster is new, and whether the node still
//! has what it had acknowledged.
//!
//! An empty directory looks the same on a new node and on one that lost its disk. If a node that
//! lost its disk took itself for new, it would vote as if it had acknowledged nothing, and
//! acknowledged writes could be lost. The node therefore asks the other members first.
//! `docs/lost-disks.md` describes the procedure for operators.
//!
//! Invariants:
//! * a cluster of several members is formed once: by the initial member with the lowest number,
//!   after all others have reported that they are in no cluster, with the incarnations that they
//!   reported;
//! * a node whose number belongs to another incarnation never votes under that number: it joins as
//!   a learner;
//! * a node with the log of a cluster of several nodes neither votes nor starts an election until
//!   it has asked the reachable members which entries it had acknowledged to them, and has asked
//!   its own address which process answers there.

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

/// Pause between two rounds of requests.
const PAUSE: Duration = Duration::from_millis(200);
/// A waiting node repeats its log message after this many rounds, which take at least a minute.
const ROUNDS_BETWEEN_LOGS: u32 = 300;
/// How long a node with a log waits for the other members to report which entries it had
/// acknowledged. The wait is bounded because a member may be unreachable. If the whole cluster
/// starts, no member remembers acknowledgements, and the wait brings nothing.
const RECALL_PATIENCE: Duration = Duration::from_millis(600);

/// Where a node without a log gets one.
#[derive(Clone, Debug)]
pub enum Bootstrap {
    /// The node forms a cluster with these members once all of them are up. It asks them for their
    /// incarnations; those given here are ignored.
    InitialMembers(BTreeMap<u64, Member>),
    /// The cluster exists already; its leader sends this node the log.
    Join,
}

/// Brings one node into its cluster at its start.
pub struct Bootstrapper {
    pub consensus: Consensus,
    pub endpoint: Arc<Endpoint>,
    pub clients: Arc<PeerClients>,
    pub participation: Arc<Participation>,
    pub standings: Arc<Standings>,
    pub copies: Arc<Copies>,
}

impl Bootstrapper {
    /// Begins to take part in the group. Does only what needs no answer from another node, and
    /// starts a task for the rest. `fresh` is true if the directory is new.
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
        // This node's configured address takes precedence over the one in the list of initial
        // members.
        let own = Member { incarnation: identity.incarnation, ..self.copies.own.clone() };
        members.insert(identity.node, own);
        if members.len() == 1 {
            if !fresh {
                tracing::warn!("the directory is not new but has no log: if it had one, its data is lost");
            }
            return self.consensus.initialize(members).await.map_err(Fatal::Consensus);
        }
        self.participation.set_phase(Phase::Waiting(Vec::new()));
        // A directory that is not new but has no log may have lost its log.
        self.participation.set_recalling(!fresh);
        tasks.spawn(async move { self.find_cluster(members).await });
        Ok(())
    }

    async fn begin_with_log(self, tasks: &Tasks) -> Result<(), Fatal> {
        if self.consensus.is_alone() {
            // No other node can lead, so the node does not wait for an election timeout.
            return self.consensus.elect().await;
        }
        self.participation.set_recalling(true);
        self.consensus.enable_elections(false);
        tasks.spawn(async move {
            let ((), found) = tokio::join!(self.recall(), self.copies.look());
            if !matches!(found, AtOwnAddress::Copy(_)) {
                self.participation.set_recalling(false);
            }
            self.copies.watch(found).await;
        });
        Ok(())
    }

    /// Finds out why the log is empty. Returns once this node is a member, or is known to have lost
    /// acknowledged entries. `initial`: the members that form the cluster, with this node's present
    /// incarnation.
    async fn find_cluster(&self, initial: BTreeMap<u64, Member>) {
        let id = self.endpoint.node_id();
        let mut lost = false;
        let mut log = PhaseLog::default();
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
                        "all initial members are up: forming the cluster"
                    );
                    if let Err(error) = self.consensus.initialize(members).await {
                        tracing::warn!(%error, "could not form the cluster");
                    }
                    Phase::Waiting(Vec::new())
                }
                Verdict::Wait(missing) => Phase::Waiting(missing),
                Verdict::Member => Phase::Waiting(Vec::new()),
                Verdict::Removed(_) if !lost => {
                    if !self.endpoint.is_removed() {
                        tracing::error!(
                            "the cluster continues without this node: to have it readmitted, empty its directory and start \
                             it with --join instead of --peers"
                        );
                    }
                    self.endpoint.set_removed();
                    Phase::Waiting(Vec::new())
                }
                Verdict::Lost(formed) | Verdict::Removed(formed) => {
                    lost = true;
                    if let Err(reason) = self.rejoin(&formed, initial[&id].clone()).await
                        && log.refused.as_ref() != Some(&reason)
                    {
                        tracing::warn!(reason, "this node has not been readmitted yet");
                        log.refused = Some(reason);
                    }
                    Phase::Rejoining
                }
            };
            log.note(&phase);
            self.participation.set_phase(phase);
            tokio::time::sleep(PAUSE).await;
        }
        self.participation.set_phase(Phase::Done);
    }

    /// Asks the leader to readmit this node with its new incarnation.
    ///
    /// # Errors
    /// The reason why the node has not been readmitted.
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
                tracing::info!(leader, "this node was readmitted, and receives the cluster's data");
                Ok(())
            }
            Ok(Ok(Response::Changed(Err(ChangeRefused::NotLeader)))) | Ok(Err(_)) | Err(_) => {
                Err("no leader answered".to_string())
            }
            Ok(Ok(refused)) => Err(format!("{refused:?}")),
        }
    }

    /// Asks the other members which entries this node had acknowledged to them, before this node,
    /// which has a log, takes part. Their replies are compared with the log.
    async fn recall(&self) {
        let _ = timeout(RECALL_PATIENCE, self.standings.ask_all(&self.consensus.members())).await;
    }

    /// Decides, for a directory that is not new but has no log, whether the cluster is new too or
    /// the log is lost. Decides nothing while members that have not answered could change the
    /// result. The log of a cluster that has had a leader has more than its first entry, so if any
    /// member reports more, this node's log is lost.
    fn judge_empty_log(&self, verdict: &Verdict, answers: &BTreeMap<u64, Option<Standing>>) {
        let had_a_leader = |standing: &Standing| standing.last.is_some_and(|(index, _)| index > 0);
        if *verdict == Verdict::Member && answers.values().flatten().any(had_a_leader) {
            self.participation.give_up_empty_log();
        } else if *verdict == Verdict::Member || answers.values().all(Option::is_some) {
            self.participation.set_recalling(false);
        }
    }
}

/// Logs that a node waits for members or asks to be readmitted: at each change, and again after
/// every [`ROUNDS_BETWEEN_LOGS`] rounds.
#[derive(Default)]
struct PhaseLog {
    last: Option<Phase>,
    rounds: u32,
    /// The last reason for a refusal by the leader that was logged.
    refused: Option<String>,
}

impl PhaseLog {
    fn note(&mut self, phase: &Phase) {
        self.rounds += 1;
        if self.last.as_ref() == Some(phase) && !self.rounds.is_multiple_of(ROUNDS_BETWEEN_LOGS) {
            return;
        }
        self.last = Some(phase.clone());
        match phase {
            Phase::Waiting(nodes) if !nodes.is_empty() => {
                tracing::warn!(
                    ?nodes,
                    "waiting for all initial members to answer before this node forms the cluster or joins it"
                );
            }
            Phase::Rejoining => tracing::error!(
                "this node has lost its data: the cluster knows it with another data directory; it asks to be \
                 readmitted, and grants no vote until then"
            ),
            Phase::Waiting(_) | Phase::Done => {}
        }
    }
}
