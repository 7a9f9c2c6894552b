//! What a node can say of its Raft group at any time, without asking anybody.

use openraft::ServerState;

use super::types::TypeConfig;
use crate::storage::log;

/// The part that a node plays in its group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    Leader,
    Follower,
    Candidate,
    Learner,
    /// Stopped, by an operator or by an error.
    Shutdown,
}

impl State {
    pub const fn name(self) -> &'static str {
        match self {
            State::Leader => "Leader",
            State::Follower => "Follower",
            State::Candidate => "Candidate",
            State::Learner => "Learner",
            State::Shutdown => "Shutdown",
        }
    }
}

impl From<ServerState> for State {
    fn from(state: ServerState) -> State {
        match state {
            ServerState::Leader => State::Leader,
            ServerState::Follower => State::Follower,
            ServerState::Candidate => State::Candidate,
            ServerState::Learner => State::Learner,
            ServerState::Shutdown => State::Shutdown,
        }
    }
}

/// The state of the group as this node knows it. Indexes are of the log; `None` where there is nothing yet.
#[derive(Clone, Debug)]
pub struct Status {
    pub node_id: u64,
    pub term: u64,
    pub leader: Option<u64>,
    pub state: State,
    /// Members, learners included.
    pub cluster_size: usize,
    pub last_log_index: Option<u64>,
    pub last_applied: Option<u64>,
    pub commit_index: Option<u64>,
    pub snapshot_index: Option<u64>,
    pub purged_index: Option<u64>,
    pub snapshot_running: bool,
    pub log: log::Stats,
    pub waiting_bytes: usize,
    pub in_flight: usize,
}

impl Status {
    pub fn is_leader(&self) -> bool {
        self.state == State::Leader
    }

    pub(super) fn new(
        metrics: &openraft::RaftMetrics<TypeConfig>,
        log: log::Stats,
        (waiting_bytes, in_flight): (usize, usize),
        snapshot_running: bool,
        applied: Option<u64>,
    ) -> Status {
        let index = |id: &Option<super::types::LogId>| id.as_ref().map(|id| id.index());
        Status {
            node_id: metrics.id,
            term: metrics.current_term,
            leader: metrics.current_leader,
            state: metrics.state.into(),
            cluster_size: metrics.membership_config.nodes().count(),
            // openraft publishes its metrics a moment after the fact; a client that has its reply expects to see it
            // counted.
            last_log_index: log.last.map(|(index, _)| index).max(metrics.last_log_index),
            last_applied: applied,
            commit_index: index(&metrics.local_committed).max(applied),
            snapshot_index: index(&metrics.snapshot),
            purged_index: index(&metrics.purged),
            snapshot_running,
            log,
            waiting_bytes,
            in_flight,
        }
    }
}
