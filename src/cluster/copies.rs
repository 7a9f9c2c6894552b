//! Detects another process that runs on a copy of this node's directory.
//!
//! A copied directory has the member's incarnation, so two processes would vote and acknowledge as
//! one member. The members reach only the process at the address that they know. The other process
//! asks that address, learns that it is a copy, and stops.
//!
//! Invariants:
//! * a node with the log of a cluster of several neither votes nor starts an election before it has
//!   asked;
//! * a node that the members know at another address starts no election unless it can be reached at
//!   that address too.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::timeout;

use super::standings::Standings;
use crate::error::Fatal;
use crate::peer::{Endpoint, Member};
use crate::raft::{Consensus, Participation};

/// A node that answers does so from memory.
const PATIENCE: Duration = Duration::from_millis(600);
/// The interval at which a node that cannot reach its own address asks again: a process that hung
/// there may answer later.
const ASK_AGAIN: Duration = Duration::from_secs(1);

/// What answers where the members look for this node.
#[derive(Debug)]
pub enum AtOwnAddress {
    This,
    Copy(Fatal),
    /// No process of this incarnation. `own`: the address is the one that this node was given.
    Silent {
        own: bool,
    },
}

pub struct Copies {
    pub consensus: Consensus,
    pub endpoint: Arc<Endpoint>,
    pub standings: Arc<Standings>,
    pub participation: Arc<Participation>,
    /// The address that the settings give others for this node.
    pub own: Member,
    pub found: watch::Sender<Option<Fatal>>,
}

impl Copies {
    /// Asks the address that the members have for this node.
    pub async fn look(&self) -> AtOwnAddress {
        let identity = &self.endpoint.identity;
        let known = self.consensus.member(identity.node);
        let Some(known) = known.filter(|known| known.incarnation == identity.incarnation) else {
            // Another incarnation is the member, or none: this one has no vote.
            return AtOwnAddress::Silent { own: true };
        };
        let address = known.raft_address;
        let answered = timeout(PATIENCE, self.standings.ask(identity.node, &address)).await;
        match answered.ok().flatten() {
            Some(standing) if standing.process == self.endpoint.process => AtOwnAddress::This,
            Some(standing) if standing.incarnation == identity.incarnation => {
                AtOwnAddress::Copy(Fatal::Copy { node: identity.node, address })
            }
            _ => AtOwnAddress::Silent { own: address == self.own.raft_address },
        }
    }

    /// Enables elections once it is certain that this node is the member, and asks again until
    /// then. `found` is the result of the first question.
    pub async fn watch(&self, found: AtOwnAddress) {
        let mut found = found;
        let mut told = false;
        loop {
            if let AtOwnAddress::Silent { own } = found
                && !std::mem::replace(&mut told, true)
            {
                tracing::info!(stands = own, "this node did not reach itself where its members look for it");
            }
            match found {
                AtOwnAddress::Copy(fatal) => {
                    self.consensus.enable_elections(false);
                    self.found.send_replace(Some(fatal));
                    return;
                }
                AtOwnAddress::This => return self.let_stand(),
                AtOwnAddress::Silent { own: true } => self.let_stand(),
                AtOwnAddress::Silent { own: false } => self.consensus.enable_elections(false),
            }
            tokio::time::sleep(ASK_AGAIN).await;
            found = self.look().await;
        }
    }

    fn let_stand(&self) {
        self.consensus.enable_elections(!self.participation.has_lost());
    }

    /// Returns once this process is known to run on a copy.
    pub async fn until_found(&self) -> Fatal {
        let mut found = self.found.subscribe();
        // The sender is held here, so the channel does not end.
        let fatal = found.wait_for(Option::is_some).await.ok().and_then(|fatal| fatal.clone());
        fatal.expect("it waited for one")
    }
}
