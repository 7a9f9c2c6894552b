//! Whether another process runs on a copy of this node's directory.
//!
//! A copied directory has the member's incarnation, so two processes would vote and acknowledge as
//! one member. The members reach only the one at the address that they know. The other one finds
//! out by asking that address, and stops.
//!
//! Invariants:
//! * a node with the log of a cluster of several neither votes nor stands for election before it
//!   has asked;
//! * a node that the members know at another address does not stand for election unless it is
//!   reached there, too.

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
/// A node that was not reached at its own address asks again after this: a process that hung there
/// may answer then.
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
    /// Where this node was told that others reach it.
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

    /// Lets this node stand for election if it is the member, and looks again while that is not
    /// certain. `found`: the first look.
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

    /// Returns when this process was found to run on a copy.
    pub async fn until_found(&self) -> Fatal {
        let mut found = self.found.subscribe();
        // The sender is held here, so the channel does not end.
        let fatal = found.wait_for(Option::is_some).await.ok().and_then(|fatal| fatal.clone());
        fatal.expect("it waited for one")
    }
}
