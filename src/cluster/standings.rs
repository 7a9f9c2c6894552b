//! Asks nodes what they know about their cluster and about each other, and answers such requests.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures_util::future::join_all;

use crate::peer::{
    Caller, ChangeRefused, Endpoint, Formed, Member, PeerClients, Request, Response, Standing, Target,
};
use crate::raft::{Acknowledgements, Consensus, Participation};
use crate::storage::log::LogPosition;

pub struct Standings {
    pub consensus: Consensus,
    pub endpoint: Arc<Endpoint>,
    pub clients: Arc<PeerClients>,
    pub acknowledged: Arc<Acknowledgements>,
    pub participation: Arc<Participation>,
}

impl Standings {
    /// Asks a node for its identity, and for what it knows about this node.
    pub async fn ask(&self, id: u64, address: &str) -> Option<Standing> {
        let target = Target { id, address, incarnation: None };
        match self.clients.ask(target, &Request::Standing).await {
            Ok(Response::Standing(standing)) => Some(standing),
            Ok(other) => {
                tracing::warn!(node = id, ?other, "a node sent an unexpected response");
                None
            }
            Err(error) => {
                tracing::debug!(node = id, %error, "cannot ask a node for its identity");
                None
            }
        }
    }

    /// Asks all of these members except this node. An acknowledgement that a member reports is
    /// compared with this node's log as soon as the answer arrives, so it counts even if the caller
    /// stops waiting for the others.
    pub async fn ask_all(&self, members: &BTreeMap<u64, Member>) -> BTreeMap<u64, Option<Standing>> {
        let own = self.endpoint.node_id();
        let others = members.iter().filter(|(id, _)| **id != own);
        let questions = others.map(|(id, member)| async move {
            let standing = self.ask(*id, &member.raft_address).await;
            if let Some(acknowledged) = standing.as_ref().and_then(|standing| standing.acknowledged) {
                self.participation.check_kept(acknowledged);
            }
            (*id, standing)
        });
        join_all(questions).await.into_iter().collect()
    }

    /// The incarnation of the node at this address; `None` if no node answers.
    pub async fn ask_incarnation(&self, id: u64, address: &str) -> Option<u64> {
        self.ask(id, address).await.map(|standing| standing.incarnation)
    }

    /// Whether a node is a member, as far as this one knows.
    pub fn knows(&self, node: Caller) -> bool {
        self.consensus.has_member(node.id, node.incarnation) || self.endpoint.has_member(node)
    }

    /// This node's report about itself and about the asking node.
    pub fn own(&self, from: Caller) -> Standing {
        let (known_index, known) = self.consensus.membership();
        let is_in_cluster = !known.is_empty();
        let (mut index, mut members) = self.endpoint.members();
        let applied = !members.is_empty();
        if !applied {
            (index, members) = (known_index, known);
        }
        let leader = self.consensus.leader().map(|(id, _)| id);
        Standing {
            incarnation: self.endpoint.identity.incarnation,
            process: self.endpoint.process,
            removed: self.endpoint.is_removed(),
            // Set even before an entry has been applied: a node with a log is in a cluster.
            cluster: is_in_cluster.then_some(Formed { index, applied, members, leader }),
            acknowledged: self.acknowledged.of(from.id, from.incarnation),
            last: self.consensus.last(),
            applied: self.consensus.applied(),
        }
    }

    /// Checks that a node that is to be added has applied only entries that this node also has. The
    /// check fails if nodes have continued separately after a forced change. It passes if the node
    /// does not answer, because a node may be added before it starts with an empty directory.
    pub async fn check_history(&self, id: u64, member: &Member) -> Result<(), ChangeRefused> {
        let standing = self.ask(id, &member.raft_address).await;
        self.check_applied(id, standing.and_then(|standing| standing.applied))
    }

    /// Checks the node that is to replace its earlier incarnation: it must answer at the member's
    /// address with the new incarnation, and have applied only entries that this node also has.
    pub async fn check_successor(&self, id: u64, member: &Member) -> Result<(), ChangeRefused> {
        match self.ask(id, &member.raft_address).await {
            Some(standing) if standing.incarnation == member.incarnation => {
                self.check_applied(id, standing.applied)
            }
            _ => Err(ChangeRefused::Later(format!(
                "node {id} does not answer at {} from its new directory",
                member.raft_address
            ))),
        }
    }

    fn check_applied(&self, id: u64, applied: Option<LogPosition>) -> Result<(), ChangeRefused> {
        let Some((index, term)) = applied else { return Ok(()) };
        if self.consensus.term_of(index) == Some(term) {
            return Ok(());
        }
        Err(ChangeRefused::Impossible(format!(
            "node {id} has applied entry {index} of term {term}, which this cluster does not have in its \
             log: empty its directory and start it with --join"
        )))
    }
}
