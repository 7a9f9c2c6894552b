//! Finds the node that does what clients ask: this one if it leads, else the leader that it knows.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::error::Unavailable;
use crate::peer::{CallError, Endpoint, Member, PeerClients, Request, Response};
use crate::raft::{Consensus, ELECTION_TIMEOUT_MS_MAX, Proposer};

/// How long a request waits for a leader: followers wait for the old one's lease and then for their
/// own timeout, each up to `ELECTION_TIMEOUT_MS_MAX`, and the first elections may be draws.
pub const LEADER_PATIENCE: Duration = Duration::from_millis(5 * ELECTION_TIMEOUT_MS_MAX);
/// A request that found no leader looks again when something changes, or after this.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// Who does what this node's clients ask.
pub enum Leader {
    Here,
    There(u64, Member),
    /// Nobody that is known.
    Nobody,
}

/// A clone finds the same.
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
                false => Leader::Nobody,
            },
            Some((id, Some(member))) => Leader::There(id, member),
            Some((_, None)) | None => Leader::Nobody,
        }
    }

    /// Asks another node, as long as its connection lasts.
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

    /// Waits until there may be another leader; an error once `patience` has passed.
    pub async fn look_again(&self, patience: Instant) -> Result<(), Unavailable> {
        if self.endpoint.is_removed() {
            return Err(Unavailable::Removed);
        }
        if Instant::now() >= patience {
            return Err(Unavailable::NoLeader);
        }
        tokio::time::sleep(LOOK_AGAIN).await;
        Ok(())
    }
}
