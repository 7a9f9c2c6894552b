//! Finds the node that serves clients' writes and reads: this node if it leads, otherwise the
//! leader that it knows.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::error::Unavailable;
use crate::peer::{CallError, Endpoint, Member, PeerClients, Request, Response};
use crate::raft::{Consensus, ELECTION_TIMEOUT_MS_MAX, Proposer};

/// How long a request waits for a leader: followers wait for the old leader's lease and then for
/// their own timeout, each up to `ELECTION_TIMEOUT_MS_MAX`, and the first elections may be split
/// votes.
pub const LEADER_PATIENCE: Duration = Duration::from_millis(5 * ELECTION_TIMEOUT_MS_MAX);
/// Interval at which a request without a leader looks again.
const RETRY_INTERVAL: Duration = Duration::from_millis(20);

/// The node that leads, as this node knows it.
pub enum Leader {
    Here,
    There(u64, Member),
    /// No known node.
    Unknown,
}

/// A clone is another handle on the same state.
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

    /// Takes note of a leader's refusal: it knows first that this node was removed.
    pub fn told(&self, refusal: Unavailable) -> Unavailable {
        if refusal == Unavailable::Removed {
            self.endpoint.set_removed();
        }
        refusal
    }

    /// Waits until there may be a leader; an error once `patience` has passed.
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
