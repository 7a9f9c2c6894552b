//! The handle on a running node of a cluster: starts all components, and passes each request to the
//! component that serves it.
//!
//! Invariants:
//! * no component holds the handle, so dropping the handle's last clone frees all components;
//! * after [`Group::shutdown`] no task of the group runs.

use std::sync::Arc;

use tokio::sync::watch;

use super::bootstrap::{Bootstrap, Bootstrapper};
use super::copies::Copies;
use super::leader::LeaderFinder;
use super::membership::Membership;
use super::pubsub_relay::{PubSubRelay, PubSubSink};
use super::read_index::ReadIndex;
use super::router::Router;
use super::rpc_service::RpcService;
use super::standings::Standings;
use super::tasks::Tasks;
use super::upgrade::{Upgrade, VersionReport};
use crate::command::ReadConsistency;
use crate::env::{Acceptor, Net};
use crate::error::{Fatal, Unavailable};
use crate::machine::Batch;
use crate::peer::{self, Change, ChangeRefused, Done, Endpoint, Member, PeerClients, PubSubMessage};
use crate::raft::{Changes, Closed, GROUP, Replica, ReplicaOptions, SnapshotStats, Status};
use crate::storage::DataDir;
use crate::version::Versions;

/// The options with which a group starts.
pub struct Options {
    pub bootstrap: Bootstrap,
    /// The addresses at which other nodes and clients reach this node.
    pub own: Member,
    pub net: Arc<dyn Net>,
    /// Receives the messages that clients publish on other nodes.
    pub sink: Arc<dyn PubSubSink>,
    /// Accepts connections of other nodes, on a port that is bound already.
    pub acceptor: Box<dyn Acceptor>,
    pub replica: ReplicaOptions,
    /// The versions that this process supports.
    pub supported: Versions,
    /// Whether this node, as the leader, raises the cluster version once every member supports a
    /// later one.
    pub auto_finalize: bool,
}

/// The handle on a running group; clones share it.
#[derive(Clone)]
pub struct Group(Arc<Parts>);

struct Parts {
    endpoint: Arc<Endpoint>,
    replica: Replica,
    router: Router,
    membership: Arc<Membership>,
    upgrade: Arc<Upgrade>,
    standings: Arc<Standings>,
    copies: Arc<Copies>,
    relay: PubSubRelay,
    tasks: Arc<Tasks>,
}

impl Group {
    /// Restores the newest snapshot, opens the log, and begins to take part in the group.
    ///
    /// Returns once the node runs; [`Group::is_loaded`] reports whether it has applied its log.
    pub async fn start(data: &DataDir, options: Options) -> Result<Group, Fatal> {
        let Options { bootstrap, own, net, sink, acceptor, replica, supported, auto_finalize } = options;
        let endpoint = Endpoint::new(data.identity().clone(), GROUP, net).supporting(supported);
        let endpoint = Arc::new(endpoint);
        let replica = Replica::start(data, replica, endpoint.clone()).await?;
        let (parts, service) = connect(replica, endpoint, (sink, own), auto_finalize);
        let bootstrapper = Bootstrapper {
            consensus: parts.replica.consensus.clone(),
            endpoint: parts.endpoint.clone(),
            clients: parts.router.leader.clients.clone(),
            participation: parts.replica.participation.clone(),
            standings: parts.standings.clone(),
            copies: parts.copies.clone(),
        };
        bootstrapper.begin(bootstrap, data.is_fresh(), &parts.tasks).await?;
        parts.run(acceptor, service);
        Ok(Group(Arc::new(parts)))
    }

    /// The name of the cluster.
    pub fn cluster(&self) -> &str {
        &self.0.endpoint.identity.cluster
    }

    /// The incarnation of this node, which its data directory holds.
    pub fn incarnation(&self) -> u64 {
        self.0.endpoint.identity.incarnation
    }

    pub fn status(&self) -> Status {
        self.0.replica.status()
    }

    /// Signals each change of what consensus reports in [`Group::status`]: entries, members, the
    /// leader, and the progress of the other members.
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

    /// Proposes a batch of writes to the log ([`Router::propose`]).
    pub async fn propose(&self, batch: Batch) -> Result<Done, Unavailable> {
        self.0.router.propose(batch).await
    }

    /// Whether this node is the only voter and leads.
    pub fn leads_alone(&self) -> bool {
        self.0.replica.consensus.leads_alone() == Some(true)
    }

    /// Waits until this node has applied an entry ([`Router::has_applied`]).
    pub async fn has_applied(&self, index: u64) -> bool {
        self.0.router.has_applied(index).await
    }

    /// Waits until a read on this node may see the keyspace ([`Router::read_barrier`]).
    pub async fn read_barrier(&self, consistency: ReadConsistency) -> Result<u64, Unavailable> {
        self.0.router.read_barrier(consistency).await
    }

    /// The cluster's time as this node knows it, in unix milliseconds.
    pub fn now_ms(&self) -> u64 {
        self.0.replica.time.now_ms()
    }

    /// How far this node's wall clock is ahead of the cluster's time, in milliseconds.
    pub fn wall_ahead_ms(&self) -> i64 {
        self.0.replica.time.wall_ahead_ms()
    }

    /// Makes a change of the cluster through the leader.
    pub async fn change(&self, change: Change) -> Result<(), ChangeRefused> {
        self.0.membership.change(change).await
    }

    /// Raises the cluster version, as far as all members support.
    pub async fn finalize(&self) -> Result<(), ChangeRefused> {
        self.0.membership.finalize().await
    }

    /// The cluster version, as far as this node has applied it.
    pub fn cluster_version(&self) -> u32 {
        self.0.endpoint.cluster_version()
    }

    /// The versions that this process supports.
    pub fn supported_versions(&self) -> Versions {
        self.0.endpoint.supported
    }

    /// Asks every member for its versions.
    pub async fn version_report(&self) -> VersionReport {
        self.0.upgrade.report().await
    }

    /// Sets whether this node, as the leader, finalizes an upgrade without an operator.
    pub fn set_auto_finalize(&self, auto: bool) {
        self.0.upgrade.set_auto(auto);
    }

    /// The incarnation of the node at this address; `None` if no node answers.
    pub async fn ask_incarnation(&self, id: u64, address: &str) -> Option<u64> {
        self.0.standings.ask_incarnation(id, address).await
    }

    /// Sends a published message to all other members, without waiting for any of them.
    pub fn broadcast(&self, message: &PubSubMessage) {
        self.0.relay.broadcast(message);
    }

    /// Statistics of the snapshots that this node has taken.
    pub fn snapshot_stats(&self) -> SnapshotStats {
        self.0.replica.snapshots.snapshot_stats()
    }

    /// Starts a snapshot now; it is written in the background.
    pub async fn trigger_snapshot(&self) -> Result<(), Fatal> {
        self.0.replica.trigger_snapshot().await
    }

    /// Accepts no more writes until the returned guard is dropped, and waits until the writes
    /// accepted earlier have ended. `None` if they did not end in time, or if writes were already
    /// stopped.
    pub async fn close_to_writes(&self) -> Option<Closed<'_>> {
        self.0.replica.proposer.close_when_drained().await
    }

    /// Hands leadership to another voter before this node stops, if it leads and another voter can
    /// take over.
    pub async fn leave_leadership(&self) {
        self.0.membership.leave_leadership().await;
    }

    /// Returns when this node is known to have lost entries that it had acknowledged: it has to
    /// restart with an empty directory.
    pub async fn until_lost(&self) {
        self.0.replica.participation.until_lost().await;
    }

    /// Returns when the node cannot continue: consensus has stopped, or this process runs on a copy
    /// of a running member's directory.
    pub async fn failed(&self) -> Fatal {
        tokio::select! {
            biased;
            fatal = self.0.replica.consensus.failed() => fatal,
            fatal = self.0.copies.until_found() => fatal,
        }
    }

    /// Stops taking part in the group, and writes the queued records to the log. The caller first
    /// waits for the writes under way.
    ///
    /// # Errors
    /// [`Fatal`] if the log failed, now or before: the shutdown was not clean.
    pub async fn shutdown(&self) -> Result<(), Fatal> {
        self.0.replica.consensus.shutdown().await;
        // Waits for all tasks: one of them holds the port, which a restart of the node binds again.
        self.0.tasks.end().await;
        self.0.replica.close_log()
    }

    #[cfg(test)]
    pub(super) fn proposer(&self) -> &crate::raft::Proposer {
        &self.0.replica.proposer
    }

    #[cfg(test)]
    pub(super) fn copies(&self) -> &Copies {
        &self.0.copies
    }

    #[cfg(test)]
    pub(super) fn receiver(&self) -> &crate::raft::RaftReceiver {
        &self.0.replica.receiver
    }

    #[cfg(test)]
    pub(super) fn read_index(&self) -> &ReadIndex {
        &self.0.router.read_index
    }
}

/// Creates the components and connects them.
fn connect(
    replica: Replica,
    endpoint: Arc<Endpoint>,
    (sink, own): (Arc<dyn PubSubSink>, Member),
    auto_finalize: bool,
) -> (Parts, RpcService) {
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
    let copies = Arc::new(Copies {
        consensus: consensus.clone(),
        endpoint: endpoint.clone(),
        standings: standings.clone(),
        participation: participation.clone(),
        own,
        found: watch::channel(None).0,
    });
    let upgrade = Arc::new(Upgrade::new(leader.clone(), auto_finalize));
    let membership = Arc::new(Membership::new(
        leader.clone(),
        standings.clone(),
        participation.clone(),
        upgrade.clone(),
        tasks.clone(),
    ));
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
        throttles: Arc::default(),
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
    (Parts { endpoint, replica, router, membership, upgrade, standings, copies, relay, tasks }, service)
}

impl Parts {
    /// Starts the tasks that run until [`Group::shutdown`].
    fn run(&self, acceptor: Box<dyn Acceptor>, service: RpcService) {
        for lease in [false, true] {
            self.tasks.spawn(self.router.read_index.clone().run(lease));
        }
        self.replica.tasks().into_iter().for_each(|task| self.tasks.spawn(task));
        self.tasks.spawn(self.membership.clone().claim_vote());
        let (upgrade, membership) = (self.upgrade.clone(), self.membership.clone());
        self.tasks.spawn(async move { upgrade.run(|| membership.change_here(Change::Finalize)).await });
        self.tasks.spawn(peer::serve(acceptor, self.endpoint.clone(), service));
        let participation = self.replica.participation.clone();
        self.tasks.spawn(async move {
            // A failure is reported by [`Group::failed`].
            let _ = participation.wait_until_loaded().await;
        });
    }
}
