//! Redirects for clients of Redis Cluster: with `redirect-mode moved`, a follower replies to a
//! request with the leader's address.
//!
//! Invariant: a redirected request has changed nothing here, so that the client may repeat it
//! elsewhere.

use crate::command::framework::slot;
use crate::command::{Peer, ReadConsistency, Route, Row, Session, Topology};
use crate::config::RedirectMode;
use crate::error::{CommandError, Unavailable};
use crate::resp::{Reply, Request};
use crate::server::admin::cluster;
use crate::server::state::ServerState;

/// Whether this node redirects clients of Redis Cluster to the leader; looked up once for a batch
/// of requests.
pub struct Redirect {
    wanted: bool,
    topology: Option<Topology>,
}

impl Redirect {
    pub fn new(state: &ServerState) -> Redirect {
        let config = state.config.read();
        let wanted = config.cluster_enabled && config.redirect_mode == RedirectMode::Moved;
        Redirect { wanted, topology: None }
    }

    /// The reply to a request that this node redirects to the leader; `None` for one that runs
    /// here.
    ///
    /// Only requests that name keys are redirected: a client chooses the node by the slot of the
    /// first key.
    pub fn check(
        &mut self,
        state: &ServerState,
        session: &Session,
        row: &Row,
        request: &Request,
    ) -> Option<Reply> {
        if !self.wanted {
            return None;
        }
        match row.route {
            Route::Write { .. } | Route::Transact { .. } => {}
            // After READONLY, replicas serve reads.
            Route::Read { .. } if session.read_consistency == Some(ReadConsistency::Local) => return None,
            Route::Read { .. } => {}
            Route::Local { .. } | Route::Control { .. } | Route::Operate { .. } => return None,
        }
        let words = request.words();
        let key = row.spec.keys.positions(words.len()).next()?;
        let topology = self.topology.get_or_insert_with(|| cluster::topology(state));
        if topology.is_leader() {
            return None;
        }
        Some(match topology.master() {
            Some(leader) => moved(slot::of(&words[key]), leader),
            None => Unavailable::NoLeader.into(),
        })
    }
}

fn moved(slot: u16, leader: &Peer) -> Reply {
    Reply::Error(CommandError::new(format!("MOVED {slot} {}", leader.address())))
}
