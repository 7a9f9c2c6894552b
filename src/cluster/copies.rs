//! Detects another process that runs on a copy of this node's directory.
//!
//! A copied directory has the same incarnation as the original, so two processes would vote and
//! acknowledge entries as one member. The other members send to only one address for this node.
//! Each process asks the process at that address for its identity; one that gets an answer from
//! another process with the same incarnation is the copy, and stops.
//!
//! Invariants:
//! * a node with the log of a cluster of several neither votes nor starts an election before it has
//!   sent this request;
//! * a node that the members know at another address starts no election until it has reached itself
//!   at that address.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::timeout;

use super::standings::Standings;
use crate::error::Fatal;
use crate::peer::{Endpoint, Member};
use crate::raft::{Consensus, Participation};

/// How long to wait for an answer, which a running node gives from memory.
const PATIENCE: Duration = Duration::from_millis(600);
/// Interval at which a node that did not reach itself at its own address repeats the request: a
/// process there may have hung and answer later.
const ASK_AGAIN: Duration = Duration::from_secs(1);

/// The process that answers at the address where other members look for this node.
#[derive(Debug)]
pub enum AtOwnAddress {
    This,
    Copy(Fatal),
    /// No process with this node's incarnation answered, or the members do not know this
    /// incarnation. `own` is false if the members know this node at another address than its
    /// configured one.
    Silent {
        own: bool,
    },
}

pub struct Copies {
    pub consensus: Consensus,
    pub endpoint: Arc<Endpoint>,
    pub standings: Arc<Standings>,
    pub participation: Arc<Participation>,
    /// The addresses that this node's settings announce to other members.
    pub own: Member,
    pub found: watch::Sender<Option<Fatal>>,
}

impl Copies {
    /// Asks for the identity of the process at the address that the members have for this node.
    pub async fn look(&self) -> AtOwnAddress {
        let identity = &self.endpoint.identity;
        let known = self.consensus.member(identity.node);
        let Some(known) = known.filter(|known| known.incarnation == identity.incarnation) else {
            // The members know another incarnation under this number, or none, so this process has
            // no vote that a copy could use.
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

    /// Enables elections, unless this node has lost entries, or the members know it at another
    /// address where no process with its incarnation answers. Calls [`Copies::look`] again until
    /// this process or another one with the same incarnation answers. In the second case this
    /// process runs on the copy: it starts no election, and [`Copies::until_found`] reports it.
    /// `found` is the result of the first call.
    pub async fn watch(&self, found: AtOwnAddress) {
        let mut found = found;
        let mut logged = false;
        loop {
            if let AtOwnAddress::Silent { own } = found
                && !std::mem::replace(&mut logged, true)
            {
                tracing::info!(
                    may_elect = own,
                    "this node did not reach itself at the address that its members have for it"
                );
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

    /// Returns once it is known that this process runs on a copy.
    pub async fn until_found(&self) -> Fatal {
        let mut found = self.found.subscribe();
        // `self` holds the sender, so the channel does not close.
        let fatal = found.wait_for(Option::is_some).await.ok().and_then(|fatal| fatal.clone());
        fatal.expect("the wait ends with an error")
    }
}
