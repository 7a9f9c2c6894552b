//! Finds the node that serves the writes and reads of clients: this node if it leads, otherwise the
//! leader that this node knows.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::error::Unavailable;
use crate::peer::{CallError, Endpoint, Member, PeerClients, Request, Response};
use crate::raft::{Consensus, ELECTION_TIMEOUT_MS_MAX, Proposer};

/// How long a request waits for a leader: an election begins after the old leader's lease and a
/// follower's timeout, each up to `ELECTION_TIMEOUT_MS_MAX`, and the first elections may fail with
/// split votes.
pub const LEADER_PATIENCE: Duration = Duration::from_millis(5 * ELECTION_TIMEOUT_MS_MAX);
/// Interval at which a request that has no leader checks for one.
const RETRY_INTERVAL: Duration = Duration::from_millis(20);

/// The leader, as far as this node knows.
pub enum Leader {
    Here,
    There(u64, Member),
    /// This node knows no leader that accepts requests: none at all, none with an address, or only
    /// itself while it hands leadership over.
    Unknown,
}

/// Clones share the same state.
#[derive(Clone)]
pub struct LeaderFinder {
    pub consensus: Consensus,
    pub proposer: Proposer,
    pub endpoint: Arc<Endpoint>,
    pub clients: Arc<PeerClients>,
}

impl LeaderFinder {
    pub fn leader(&self) -> Leader {
        let may_propose = self.proposer.may_propose();
        match self.consensus.leader() {
            Some((id, _)) if id == self.endpoint.node_id() => match may_propose {
                true => Leader::Here,
                false => Leader::Unknown,
            },
            Some((id, Some(member))) => Leader::There(id, member),
            Some((_, None)) | None => Leader::Unknown,
        }
    }

    /// Sends a request to another node, and waits for its response for as long as the connection
    /// lasts.
    pub async fn call(&self, to: u64, member: &Member, request: &Request) -> Result<Response, CallError> {
        self.clients.call(to, member, request).await
    }

    /// Handles a refusal that came from the leader, and returns it. A leader may be the first to
    /// know that this node was removed.
    pub fn told(&self, refusal: Unavailable) -> Unavailable {
        if refusal == Unavailable::Removed {
            self.endpoint.set_removed();
        }
        refusal
    }

    /// Waits a moment before the caller looks for the leader again. Returns an error once
    /// `patience` has passed, or if this node was removed.
    pub async fn look_again(&self, patience: Instant) -> Result<(), Unavailable> {
        if self.endpoint.is_removed() {
            return Err(Unavailable::Removed);
        }
        if Instant::now() >= patience {
            return Err(Unavailable::NoLeader);
        }
        tokio::time::sleep(RETRY_INTERVAL).await;
        Ok(())
    }
}
