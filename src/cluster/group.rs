//! The handle on a running node of a cluster: starts the parts, and hands requests to the one that
//! does them.
//!
//! Invariants:
//! * the parts point from the handle downwards: none holds the handle, so the last clone that goes
//!   frees them;
//! * after [`Group::shutdown`] no task of the group runs.

use std::sync::Arc;

use super::bootstrap::{Bootstrap, Bootstrapper};
use super::leader::LeaderFinder;
use super::membership::Membership;
use super::pubsub_relay::{PubSubRelay, PubSubSink};
use super::read_index::ReadIndex;
use super::router::Router;
use super::rpc_service::RpcService;
use super::standings::Standings;
use super::tasks::Tasks;
use crate::command::ReadConsistency;
use crate::env::{Acceptor, Net};
use crate::error::{Fatal, Unavailable};
use crate::machine::Batch;
use crate::peer::{self, Change, ChangeRefused, Done, Endpoint, PeerClients, PubSubMessage};
use crate::raft::{Changes, Closed, GROUP, Replica, ReplicaOptions, SnapshotStats, Status};
use crate::storage::DataDir;

/// What a group is started with.
pub struct Options {
    pub bootstrap: Bootstrap,
    pub net: Arc<dyn Net>,
    /// Takes in what clients of other nodes send to those of this one.
    pub sink: Arc<dyn PubSubSink>,
    /// The bound port for other nodes.
    pub acceptor: Box<dyn Acceptor>,
    pub replica: ReplicaOptions,
}

/// The handle on a running group; clones share it.
#[derive(Clone)]
pub struct Group(Arc<Parts>);

struct Parts {
    endpoint: Arc<Endpoint>,
    replica: Replica,
    router: Router,
    membership: Arc<Membership>,
    standings: Arc<Standings>,
    relay: PubSubRelay,
    tasks: Arc<Tasks>,
}

impl Group {
    /// Restores the newest snapshot, opens the log, and takes part in the group.
    ///
    /// Returns when the node runs; [`Group::is_loaded`] tells when it has applied its log.
    pub async fn start(data: &DataDir, options: Options) -> Result<Group, Fatal> {
        let Options { bootstrap, net, sink, acceptor, replica } = options;
        let endpoint = Arc::new(Endpoint::new(data.identity().clone(), GROUP, net));
        let replica = Replica::start(data, replica, endpoint.clone()).await?;
        let (parts, service) = connect(replica, endpoint, sink);
        let bootstrapper = Bootstrapper {
            consensus: parts.replica.consensus.clone(),
            endpoint: parts.endpoint.clone(),
            clients: parts.router.leader.clients.clone(),
            participation: parts.replica.participation.clone(),
            standings: parts.standings.clone(),
        };
        bootstrapper.begin(bootstrap, data.is_fresh(), &parts.tasks).await?;
        parts.run(acceptor, service);
        Ok(Group(Arc::new(parts)))
    }

    /// The name of the cluster.
    pub fn cluster(&self) -> &str {
        &self.0.endpoint.identity.cluster
    }

    /// The number of this node's data directory.
    pub fn incarnation(&self) -> u64 {
        self.0.endpoint.identity.incarnation
    }

    pub fn status(&self) -> Status {
        self.0.replica.status()
    }

    /// Tells of every change of [`Group::status`] but for the log's own figures.
    pub fn changes(&self) -> Changes {
        self.0.replica.consensus.changes()
    }

    /// Whether this node is the only voter, as far as it knows.
    pub fn is_alone(&self) -> bool {
        self.0.replica.consensus.is_alone()
    }

    /// Whether the log that was on disk at the start has been applied.
    pub fn is_loaded(&self) -> bool {
        self.0.replica.participation.is_loaded()
    }

    /// Waits until [`Group::is_loaded`], or until consensus has stopped.
    pub async fn wait_until_loaded(&self) -> Result<(), Fatal> {
        self.0.replica.participation.wait_until_loaded().await
    }

    /// Puts a batch of writes into the log ([`Router::propose`]).
    pub async fn propose(&self, batch: Batch) -> Result<Done, Unavailable> {
        self.0.router.propose(batch).await
    }

    /// Waits until this node has applied an entry ([`Router::has_applied`]).
    pub async fn has_applied(&self, index: u64) -> bool {
        self.0.router.has_applied(index).await
    }

    /// Returns when a read is as fresh as asked ([`Router::read_barrier`]).
    pub async fn read_barrier(&self, consistency: ReadConsistency) -> Result<u64, Unavailable> {
        self.0.router.read_barrier(consistency).await
    }

    /// The group's time as this node knows it, in unix milliseconds.
    pub fn now_ms(&self) -> u64 {
        self.0.replica.time.now_ms()
    }

    /// How far this node's time of day is ahead of the group's time, in milliseconds.
    pub fn wall_ahead_ms(&self) -> i64 {
        self.0.replica.time.wall_ahead_ms()
    }

    /// Has the leader make a change, wherever it is.
    pub async fn change(&self, change: Change) -> Result<(), ChangeRefused> {
        self.0.membership.change(change).await
    }

    /// The incarnation that a node at this address has; `None` if it does not answer.
    pub async fn ask_incarnation(&self, id: u64, address: &str) -> Option<u64> {
        self.0.standings.ask_incarnation(id, address).await
    }

    /// Sends a message of a client to all other members, without waiting for any.
    pub fn broadcast(&self, message: &PubSubMessage) {
        self.0.relay.broadcast(message);
    }

    /// The snapshots that were taken here.
    pub fn snapshot_stats(&self) -> SnapshotStats {
        self.0.replica.snapshots.snapshot_stats()
    }

    /// Takes a snapshot now, in the background.
    pub async fn trigger_snapshot(&self) -> Result<(), Fatal> {
        self.0.replica.trigger_snapshot().await
    }

    /// Takes no more writes until what is returned is dropped, and waits for those that were taken
    /// in. `None`: they did not end in time, or another has closed it.
    pub async fn close_to_writes(&self) -> Option<Closed<'_>> {
        self.0.replica.proposer.close_when_drained().await
    }

    /// Hands leadership over before this node stops, if it leads and there is somebody to take it.
    pub async fn leave_leadership(&self) {
        self.0.membership.leave_leadership().await;
    }

    /// Returns when this node was found to have lost what it had acknowledged: it has to begin
    /// anew, without its data.
    pub async fn until_lost(&self) {
        self.0.replica.participation.until_lost().await;
    }

    /// Returns when consensus has stopped by itself: the node is finished.
    pub async fn failed(&self) -> Fatal {
        self.0.replica.consensus.failed().await
    }

    /// Stops taking part and writes what is queued. Writes under way are answered first by the
    /// server.
    ///
    /// # Errors
    /// [`Fatal`] if the log failed, now or before: the stop was no clean one.
    pub async fn shutdown(&self) -> Result<(), Fatal> {
        self.0.replica.consensus.shutdown().await;
        // Whoever starts again binds the port that one of them holds.
        self.0.tasks.end().await;
        self.0.replica.close_log()
    }

    #[cfg(test)]
    pub(super) fn proposer(&self) -> &crate::raft::Proposer {
        &self.0.replica.proposer
    }

    #[cfg(test)]
    pub(super) fn read_index(&self) -> &ReadIndex {
        &self.0.router.read_index
    }
}

/// Gives each part those that it needs.
fn connect(replica: Replica, endpoint: Arc<Endpoint>, sink: Arc<dyn PubSubSink>) -> (Parts, RpcService) {
    let (consensus, participation) = (replica.consensus.clone(), replica.participation.clone());
    let (clients, tasks) = (Arc::new(PeerClients::new(endpoint.clone())), Arc::new(Tasks::default()));
    let leader = LeaderFinder {
        consensus: consensus.clone(),
        proposer: replica.proposer.clone(),
        endpoint: endpoint.clone(),
        clients: clients.clone(),
    };
    let standings = Arc::new(Standings {
        consensus: consensus.clone(),
        endpoint: endpoint.clone(),
        clients,
        acknowledged: replica.acknowledged.clone(),
        participation: participation.clone(),
    });
    let membership = Membership::new(leader.clone(), standings.clone(), participation.clone(), tasks.clone());
    let membership = Arc::new(membership);
    let read_index = Arc::new(ReadIndex::new(leader.clone()));
    let service = RpcService {
        receiver: replica.receiver.clone(),
        participation: participation.clone(),
        proposer: replica.proposer.clone(),
        read_index: read_index.clone(),
        membership: membership.clone(),
        standings: standings.clone(),
        endpoint: endpoint.clone(),
        sink,
    };
    let router = Router {
        leader,
        read_index,
        participation,
        applied: replica.applied.clone(),
        disk_room: replica.disk_room.clone(),
        time: replica.time.clone(),
    };
    let relay = PubSubRelay::new(consensus, endpoint.clone(), tasks.clone());
    (Parts { endpoint, replica, router, membership, standings, relay, tasks }, service)
}

impl Parts {
    /// Begins what runs beside the group until [`Group::shutdown`].
    fn run(&self, acceptor: Box<dyn Acceptor>, service: RpcService) {
        for lease in [false, true] {
            self.tasks.spawn(self.router.read_index.clone().run(lease));
        }
        self.replica.tasks().into_iter().for_each(|task| self.tasks.spawn(task));
        self.tasks.spawn(self.membership.clone().claim_vote());
        self.tasks.spawn(peer::serve(acceptor, self.endpoint.clone(), service));
        let participation = self.replica.participation.clone();
        self.tasks.spawn(async move {
            // It ends with consensus, which says so itself.
            let _ = participation.wait_until_loaded().await;
        });
    }
}
