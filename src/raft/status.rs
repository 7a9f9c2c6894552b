//! The state of the Raft group as this node knows it, without asking another.

use std::collections::BTreeSet;

use openraft::ServerState;

use super::consensus::Metrics;
use super::participation::Phase;
use super::quorum;
use crate::peer::Member;
use crate::storage::log;

/// This node's role in its group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    Leader,
    Follower,
    Candidate,
    Learner,
    /// The replica has stopped, because of an operator or an error.
    Shutdown,
}

impl Role {
    pub const fn name(self) -> &'static str {
        match self {
            Role::Leader => "Leader",
            Role::Follower => "Follower",
            Role::Candidate => "Candidate",
            Role::Learner => "Learner",
            Role::Shutdown => "Shutdown",
        }
    }
}

impl From<ServerState> for Role {
    fn from(state: ServerState) -> Role {
        match state {
            ServerState::Leader => Role::Leader,
            ServerState::Follower => Role::Follower,
            ServerState::Candidate => Role::Candidate,
            ServerState::Learner => Role::Learner,
            ServerState::Shutdown => Role::Shutdown,
        }
    }
}

/// This node's knowledge about one member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemberStatus {
    pub id: u64,
    pub member: Member,
    pub voter: bool,
    /// The last entry known to be on the member's disk. Only a leader knows this about other
    /// members.
    pub matched: Option<u64>,
    /// Whether the member was found to have lost entries that it had acknowledged.
    pub lost: bool,
}

/// The last entry that a leader knows to be on another member's disk.
pub(super) fn matched(metrics: &Metrics, id: u64) -> Option<u64> {
    metrics.replication.as_ref()?.get(&id)?.as_ref().map(|id| id.index())
}

/// The state of the group as this node knows it. Indexes are log indexes, `None` if there is no
/// such entry yet.
#[derive(Clone, Debug)]
pub struct Status {
    pub node_id: u64,
    pub term: u64,
    /// This node if it leads, otherwise the leader that it heard from recently.
    pub leader: Option<u64>,
    pub role: Role,
    /// Number of members, learners included.
    pub cluster_size: usize,
    /// Ordered by id.
    pub members: Vec<MemberStatus>,
    /// Whether this node was removed from the group.
    pub removed: bool,
    /// The members that answered recently, this node included. Only a leader knows this about other
    /// members.
    pub answering: BTreeSet<u64>,
    /// How far a node that found its log empty has come.
    pub phase: Phase,
    pub last_log_index: Option<u64>,
    pub last_applied: Option<u64>,
    pub commit_index: Option<u64>,
    pub snapshot_index: Option<u64>,
    pub purged_index: Option<u64>,
    pub snapshot_running: bool,
    /// Whether the last attempt at a snapshot failed.
    pub snapshot_failed: bool,
    pub log: log::Stats,
    pub waiting_bytes: usize,
    pub in_flight: usize,
}

impl Status {
    pub fn is_leader(&self) -> bool {
        self.role == Role::Leader
    }

    /// This node's entry in `members`, if it is a member.
    pub fn own(&self) -> Option<&MemberStatus> {
        self.members.iter().find(|member| member.id == self.node_id)
    }

    /// Builds the status from the metrics and the log; the replica fills in the rest.
    pub(super) fn new(
        metrics: &Metrics,
        log: log::Stats,
        (waiting_bytes, in_flight): (usize, usize),
        applied: Option<u64>,
    ) -> Status {
        let index = |id: &Option<super::types::LogId>| id.as_ref().map(|id| id.index());
        let last = log.last.map(|(index, _)| index).max(metrics.last_log_index);
        let voters: BTreeSet<u64> = metrics.membership_config.voter_ids().collect();
        let on_disk = |id: u64| match id == metrics.id {
            true => last,
            false => matched(metrics, id),
        };
        let members = metrics.membership_config.nodes().map(|(&id, member)| MemberStatus {
            id,
            member: member.clone(),
            voter: voters.contains(&id),
            matched: on_disk(id),
            lost: false,
        });
        Status {
            members: members.collect(),
            removed: false,
            answering: quorum::answering(metrics),
            phase: Phase::Done,
            node_id: metrics.id,
            term: metrics.current_term,
            leader: metrics.current_leader,
            role: metrics.state.into(),
            cluster_size: metrics.membership_config.nodes().count(),
            // From the log itself: openraft publishes its metrics a moment late, and a client that
            // has its reply expects the write to be counted.
            last_log_index: last,
            last_applied: applied,
            commit_index: index(&metrics.local_committed).max(applied),
            snapshot_index: index(&metrics.snapshot),
            purged_index: index(&metrics.purged),
            snapshot_running: false,
            snapshot_failed: false,
            log,
            waiting_bytes,
            in_flight,
        }
    }
}
