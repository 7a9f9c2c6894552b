//! A node's part in one Raft group.
//!
//! Invariants:
//! * nothing reaches the keyspace but through the log: the machine belongs to openraft's worker, which applies
//!   committed entries in order;
//! * nothing is answered before the log that was on disk at the start has been applied: a read would miss
//!   acknowledged writes.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use openraft::Raft;
use openraft::async_runtime::watch::WatchReceiver;
use parking_lot::Mutex;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::bootstrap::Phase;
use super::pubsub_relay::{PubSubRelay, PubSubSink};
use super::read_index::ReadIndexBatcher;
use super::rpc_service;
use crate::command::ReadConsistency;
use crate::env::{Acceptor, Background, Clock, Net};
use crate::error::{Fatal, Unavailable};
use crate::keyspace::Keyspace;
use crate::peer::Member;
use crate::peer::{self, Endpoint, PeerClients, ReadPoint};
use crate::raft::opening::{config, forget_others, log_store, open_log, restore};
use crate::raft::proposer::Proposer;
use crate::raft::replication::Network;
use crate::raft::room::DiskRoom;
use crate::raft::snapshot_status::{SnapshotStats, SnapshotStatus};
use crate::raft::state_machine::{AppliedIndex, StateMachine};
use crate::raft::status::Status;
use crate::raft::time::GroupTime;
use crate::raft::types::TypeConfig;
use crate::raft::{expiry, maintenance};
use crate::storage::log::{self, Log};
use crate::storage::{DataDir, SnapshotDir};

/// A leader sends a heartbeat this often when it has nothing else to send.
pub const HEARTBEAT_MS: u64 = 60;
/// A follower that hears nothing for so long stands for election: several heartbeats, so that one that is lost or
/// late does not unseat a leader.
pub const ELECTION_TIMEOUT_MS_MIN: u64 = 200;
/// A follower first waits for so long, in which it owes the leader its lease, and then for a time from
/// [`ELECTION_TIMEOUT_MS_MIN`] to this: a leader that died is replaced within 0.6 to 0.9 s.
pub const ELECTION_TIMEOUT_MS_MAX: u64 = 400;
/// The one group of this version.
pub const GROUP: u32 = 0;

const _: () = assert!(ELECTION_TIMEOUT_MS_MIN >= 3 * HEARTBEAT_MS);
const _: () = assert!(ELECTION_TIMEOUT_MS_MAX > ELECTION_TIMEOUT_MS_MIN);

/// Where the group of a node with an empty log comes from.
#[derive(Clone, Debug)]
pub enum Bootstrap {
    /// These form it, once all of them are there. Their incarnations are asked for; what is given here is not looked at.
    InitialMembers(BTreeMap<u64, Member>),
    /// Others have it, and send this node its log.
    Join,
}

/// What a group is started with.
pub struct Options {
    pub bootstrap: Bootstrap,
    /// The other members are lost, and this node goes on without them: it is reached here.
    pub forget_others: Option<Member>,
    pub clock: Arc<dyn Clock>,
    pub keyspace: Arc<Keyspace>,
    pub net: Arc<dyn Net>,
    /// Takes in what clients of other nodes send to those of this one.
    pub sink: Arc<dyn PubSubSink>,
    /// The bound port for other nodes.
    pub acceptor: Box<dyn Acceptor>,
    /// When the log has grown by so much since the last snapshot, the next is taken.
    pub snapshot_log_bytes: u64,
    pub snapshot_log_entries: u64,
    /// How the log works; its group is filled in.
    pub log: log::Options,
    /// Where what blocks is done: the log's writing, saving and loading snapshots.
    pub background: Background,
}

/// The handle on a running group; clones share it.
#[derive(Clone)]
pub struct Group {
    shared: Arc<Shared>,
}

struct Shared {
    raft: Raft<TypeConfig, StateMachine>,
    proposer: Proposer,
    log: Arc<Log>,
    loaded: AtomicBool,
    snapshot_running: Arc<SnapshotStatus>,
    applied: AppliedIndex,
    snapshots: SnapshotDir,
    endpoint: Arc<Endpoint>,
    clients: PeerClients,
    reads: ReadIndexBatcher<Result<ReadPoint, Unavailable>>,
    lease_reads: ReadIndexBatcher<Result<ReadPoint, Unavailable>>,
    time: Arc<GroupTime>,
    disk_room: DiskRoom,
    /// While leadership is handed over nothing new is proposed here.
    handing_over: AtomicBool,
    /// Only one change of the members, or hand-over, at a time.
    changing: tokio::sync::Mutex<()>,
    incoming: rpc_service::Incoming,
    sink: Arc<dyn PubSubSink>,
    messages: PubSubRelay,
    /// Until when this node votes for nobody.
    silent_until: Option<Instant>,
    /// Whether the other members still have to say what this node had acknowledged to them.
    recalling: AtomicBool,
    phase: Mutex<Phase>,
    /// The learners that are about to become voters.
    promoting: Mutex<BTreeSet<u64>>,
    tasks: Mutex<Vec<JoinHandle<()>>>,
    background: Background,
}

/// Holds back new writes while leadership is handed over.
pub(crate) struct HandingOver<'a>(&'a Group);

impl Drop for HandingOver<'_> {
    fn drop(&mut self) {
        self.0.shared.handing_over.store(false, Ordering::Release);
    }
}

impl Group {
    /// Restores the newest snapshot, opens the log, and takes part in the group.
    ///
    /// Returns when the node runs; [`Group::is_loaded`] tells when it has applied its log.
    pub async fn start(data: &DataDir, options: Options) -> Result<Group, Fatal> {
        let snapshots = SnapshotDir::open_dir(data.disk(), &data.snapshots_path(GROUP), GROUP)?;
        let running = Arc::new(SnapshotStatus::default());
        let node_id = data.identity().node;
        let endpoint = Arc::new(Endpoint::new(data.identity().clone(), GROUP, options.net.clone()));
        let machine = restore(&options, &snapshots, &running, &endpoint)?;
        let alone = machine.is_alone(node_id);
        let (log, mut recovered) = open_log(data, &options, machine.applied(), alone)?;
        if let Some(own) = options.forget_others.clone() {
            forget_others(&log, &mut recovered, node_id, own).await?;
        }
        let applied = machine.applied_so_far();
        let store = log_store(&log, &recovered)?;
        let (own, background) = (endpoint.clone(), options.background.clone());
        let time = Arc::new(GroupTime::new(options.clock.clone(), options.keyspace.clone()));
        let network = Network { endpoint: own, time: time.clone(), snapshots: snapshots.clone(), background };
        let raft = Raft::new(node_id, config(&options)?, network, store, machine).await.map_err(stopped)?;
        let proposer = Proposer::new(raft.clone(), options.clock.clone(), time.clone());
        // A node that voted before may have promised a leader not to vote for another yet.
        let silent_until = recovered.vote.is_some().then(|| Instant::now() + rpc_service::VOTE_HOLDOFF);
        let group = Group {
            shared: Arc::new(Shared {
                raft,
                proposer,
                log,
                loaded: AtomicBool::new(false),
                snapshot_running: running,
                applied,
                snapshots,
                clients: PeerClients::new(endpoint.clone()),
                endpoint,
                reads: ReadIndexBatcher::new(),
                lease_reads: ReadIndexBatcher::new(),
                time,
                disk_room: DiskRoom::default(),
                handing_over: AtomicBool::new(false),
                changing: tokio::sync::Mutex::new(()),
                incoming: rpc_service::Incoming::default(),
                sink: options.sink.clone(),
                messages: PubSubRelay::default(),
                silent_until,
                recalling: AtomicBool::new(false),
                phase: Mutex::default(),
                promoting: Mutex::default(),
                tasks: Mutex::default(),
                background: options.background.clone(),
            }),
        };
        group.join(&options, data.is_fresh()).await?;
        group.spawn_tasks(options);
        Ok(group)
    }

    async fn join(&self, options: &Options, fresh: bool) -> Result<(), Fatal> {
        if !self.raft().is_initialized().await.map_err(stopped)? {
            if let Bootstrap::InitialMembers(members) = &options.bootstrap {
                let mut members = members.clone();
                let identity = &self.endpoint().identity;
                let own = members.get_mut(&identity.node).expect("the settings hold a node to be among them");
                own.incarnation = identity.incarnation;
                if members.len() == 1 {
                    if !fresh {
                        tracing::warn!(
                            "the directory is not new and has no log: if it had one, its data is gone"
                        );
                    }
                    self.raft().initialize(members).await.map_err(stopped)?;
                } else {
                    self.set_phase(Phase::Waiting(Vec::new()));
                    // A directory that is not new, and has no log, may have lost it.
                    self.shared.recalling.store(!fresh, Ordering::Release);
                    self.spawn(self.clone().bootstrap(members));
                }
            } else if !fresh {
                self.give_up_empty_log();
            }
        } else if self.is_alone() {
            // Nobody else could be leader, so there is no reason to wait for an election timeout.
            self.raft().trigger().elect(false).await.map_err(stopped)?;
        } else {
            self.shared.recalling.store(true, Ordering::Release);
            self.raft().runtime_config().elect(false);
            let group = self.clone();
            self.spawn(async move {
                group.recall().await;
                group.end_recalling();
                group.raft().runtime_config().elect(!group.endpoint().has_lost());
            });
        }
        Ok(())
    }

    /// What runs beside the group until [`Group::shutdown`].
    fn spawn_tasks(&self, options: Options) {
        let ask = |lease: bool| {
            let group = self.clone();
            move || {
                let group = group.clone();
                async move { group.ask_read_point(lease).await }
            }
        };
        let loading = self.clone();
        let tasks = [
            tokio::spawn(self.shared.reads.clone().run(ask(false))),
            tokio::spawn(self.shared.lease_reads.clone().run(ask(true))),
            tokio::spawn(self.proposer().clone().run()),
            tokio::spawn(self.clone().watch_quorum()),
            tokio::spawn(self.clone().claim_vote()),
            tokio::spawn(expiry::run(self.clone(), options.keyspace.clone())),
            tokio::spawn(peer::serve(options.acceptor, self.shared.endpoint.clone(), self.clone())),
            tokio::spawn(maintenance::run(
                self.raft().clone(),
                self.shared.log.clone(),
                options.snapshot_log_bytes,
                self.shared.snapshot_running.clone(),
            )),
            tokio::spawn(async move {
                // It ends with consensus, which says so itself.
                let _ = loading.wait_until_loaded().await;
            }),
        ];
        self.shared.tasks.lock().extend(tasks);
    }

    pub(crate) fn raft(&self) -> &Raft<TypeConfig, StateMachine> {
        &self.shared.raft
    }

    pub(crate) fn proposer(&self) -> &Proposer {
        &self.shared.proposer
    }

    pub(crate) fn time(&self) -> &GroupTime {
        &self.shared.time
    }

    pub(crate) fn log(&self) -> &Log {
        &self.shared.log
    }

    pub(crate) fn clients(&self) -> &PeerClients {
        &self.shared.clients
    }

    pub(crate) fn applied(&self) -> &AppliedIndex {
        &self.shared.applied
    }

    pub(crate) fn sink(&self) -> &dyn PubSubSink {
        &*self.shared.sink
    }

    pub(crate) fn messages(&self) -> &PubSubRelay {
        &self.shared.messages
    }

    /// Runs a task beside the group until [`Group::shutdown`].
    pub(crate) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let mut tasks = self.shared.tasks.lock();
        tasks.retain(|task| !task.is_finished());
        tasks.push(tokio::spawn(task));
    }

    pub(crate) fn endpoint(&self) -> &Arc<Endpoint> {
        &self.shared.endpoint
    }

    pub(crate) fn snapshots(&self) -> &SnapshotDir {
        &self.shared.snapshots
    }

    pub(crate) fn background(&self) -> &Background {
        &self.shared.background
    }

    pub(crate) fn incoming(&self) -> &rpc_service::Incoming {
        &self.shared.incoming
    }

    pub(crate) fn changing(&self) -> &tokio::sync::Mutex<()> {
        &self.shared.changing
    }

    pub(crate) fn batcher(
        &self,
        consistency: ReadConsistency,
    ) -> &ReadIndexBatcher<Result<ReadPoint, Unavailable>> {
        match consistency {
            ReadConsistency::Lease => &self.shared.lease_reads,
            ReadConsistency::Linearizable | ReadConsistency::Local => &self.shared.reads,
        }
    }

    pub(crate) fn disk_room(&self) -> &DiskRoom {
        &self.shared.disk_room
    }

    /// The name of the cluster.
    pub fn cluster(&self) -> &str {
        &self.shared.endpoint.identity.cluster
    }

    /// The number of this node's data directory.
    pub fn incarnation(&self) -> u64 {
        self.shared.endpoint.identity.incarnation
    }

    /// Whether this node votes for nobody yet.
    pub(crate) fn is_silent(&self) -> bool {
        self.shared.silent_until.is_some_and(|until| Instant::now() < until)
    }

    /// Whether the others still have to say what this node had acknowledged: until then it votes in no way.
    pub(crate) fn is_recalling(&self) -> bool {
        self.shared.recalling.load(Ordering::Acquire)
    }

    pub(crate) fn end_recalling(&self) {
        self.shared.recalling.store(false, Ordering::Release);
    }

    pub(crate) fn set_phase(&self, phase: Phase) {
        *self.shared.phase.lock() = phase;
    }

    pub(crate) fn promoting(&self) -> &Mutex<BTreeSet<u64>> {
        &self.shared.promoting
    }

    /// Returns when this node was found to have lost what it had acknowledged: it has to begin anew, without its data.
    pub async fn until_lost(&self) {
        self.shared.endpoint.until_lost().await;
    }

    /// Whether a leader here takes new writes.
    pub(crate) fn may_propose(&self) -> bool {
        !self.shared.handing_over.load(Ordering::Acquire) && self.raft().is_leader()
    }

    /// Takes no new writes here until what is returned is dropped: also when whoever hands over is cut off meanwhile.
    pub(crate) fn begin_handing_over(&self) -> HandingOver<'_> {
        self.shared.handing_over.store(true, Ordering::Release);
        HandingOver(self)
    }

    /// Whether this node is the only voter, as far as it knows.
    pub fn is_alone(&self) -> bool {
        self.leads_alone().is_some()
    }

    /// For a node that is the only voter, whether it leads. One look, since every batch of reads asks.
    pub(crate) fn leads_alone(&self) -> Option<bool> {
        let metrics = self.raft().metrics();
        let metrics = metrics.borrow_watched();
        let alone = metrics.membership_config.voter_ids().eq([metrics.id]);
        alone.then(|| metrics.current_leader == Some(metrics.id))
    }

    /// Whether the log that was on disk at the start has been applied.
    pub fn is_loaded(&self) -> bool {
        self.shared.loaded.load(Ordering::Acquire)
    }

    /// Waits until [`Group::is_loaded`], or until consensus has stopped.
    pub async fn wait_until_loaded(&self) -> Result<(), Fatal> {
        let last = self.raft().metrics().borrow_watched().last_log_index;
        // The end of the log that was found may be one that no majority had: a leader takes it back.
        let caught_up = move |metrics: &openraft::RaftMetrics<TypeConfig>| {
            let last = last.min(metrics.last_log_index);
            metrics.last_applied.map(|id| id.index()) >= last && metrics.current_leader.is_some()
        };
        self.raft().wait(None).metrics(caught_up, "the log is applied").await.map_err(stopped)?;
        self.shared.loaded.store(true, Ordering::Release);
        Ok(())
    }

    /// Whether this node found its log empty, and waits to take part.
    pub(crate) fn is_waiting(&self) -> bool {
        *self.shared.phase.lock() != Phase::Done
    }

    /// Whether requests are taken at all.
    pub(crate) fn check_open(&self) -> Result<(), Unavailable> {
        if self.shared.endpoint.is_removed() {
            return Err(Unavailable::Removed);
        }
        // A node alone has nobody to ask what it has not applied yet. One of several asks, and waits.
        if !self.is_loaded() && self.is_alone() {
            return Err(Unavailable::Loading);
        }
        Ok(())
    }

    pub fn status(&self) -> Status {
        let metrics = self.raft().metrics();
        let metrics = metrics.borrow_watched();
        let running = self.shared.snapshot_running.is_running();
        let load = self.shared.proposer.load();
        let mut status =
            Status::new(&metrics, self.shared.log.stats(), load, running, self.shared.applied.get());
        status.snapshot_failed = self.shared.snapshot_running.has_failed();
        status.removed = self.shared.endpoint.is_removed();
        status.phase = self.shared.phase.lock().clone();
        for known in &mut status.members {
            known.lost = self.shared.endpoint.acknowledged.has_lost(known.id, known.member.incarnation);
        }
        status
    }

    /// The snapshots that were taken here.
    pub fn snapshot_stats(&self) -> SnapshotStats {
        self.shared.snapshot_running.snapshot_stats()
    }

    /// Takes a snapshot now, in the background.
    pub async fn trigger_snapshot(&self) -> Result<(), Fatal> {
        self.shared.snapshot_running.ask();
        self.raft().trigger().snapshot().await.map_err(stopped)
    }

    /// Returns when consensus has stopped by itself: the node is finished.
    pub async fn failed(&self) -> Fatal {
        let mut metrics = self.raft().metrics();
        loop {
            if let Err(error) = &metrics.borrow_watched().running_state {
                // Consensus has the log's error as a text at best.
                return self.shared.log.failure().unwrap_or_else(|| stopped(error));
            }
            if metrics.changed().await.is_err() {
                return Fatal::Consensus("its task ended".to_string());
            }
        }
    }

    /// Stops taking part and writes what is queued. Writes under way are answered first by the server.
    ///
    /// # Errors
    /// [`Fatal`] if the log failed, now or before: the stop was no clean one.
    pub async fn shutdown(&self) -> Result<(), Fatal> {
        if let Err(error) = self.raft().shutdown().await {
            tracing::error!(%error, "consensus did not stop cleanly");
        }
        let tasks: Vec<_> = self.shared.tasks.lock().drain(..).collect();
        tasks.iter().for_each(JoinHandle::abort);
        // Whoever starts again binds the port that one of them holds.
        futures_util::future::join_all(tasks).await;
        self.shared.log.close()
    }
}

fn stopped(error: impl std::fmt::Display) -> Fatal {
    Fatal::Consensus(error.to_string())
}
