//! A node's part in one Raft group.
//!
//! Invariants:
//! * nothing reaches the keyspace but through the log: the machine belongs to openraft's worker, which applies
//!   committed entries in order;
//! * nothing is answered before the log that was on disk at the start has been applied: a read would miss
//!   acknowledged writes.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use openraft::Raft;
use openraft::async_runtime::watch::WatchReceiver;

use super::log_store::LogStore;
use super::maintenance;
use super::network::Network;
use super::proposer::{Answered, Proposer};
use super::state_machine::{Applied, Snapshot, StateMachine, load_records};
use super::status::Status;
use super::types::{Member, TypeConfig};
use crate::command::ReadConsistency;
use crate::env::Clock;
use crate::error::{Fatal, Unavailable};
use crate::keyspace::Keyspace;
use crate::machine::{Batch, Machine};
use crate::storage::log::{self, Log, Recovered};
use crate::storage::{DataDir, SnapshotDir};

/// A leader sends a heartbeat this often when it has nothing else to send.
const HEARTBEAT_MS: u64 = 100;
/// A follower that hears nothing for so long stands for election: several heartbeats, so that one that is lost or
/// late does not unseat a leader.
const ELECTION_TIMEOUT_MS_MIN: u64 = 500;
const ELECTION_TIMEOUT_MS_MAX: u64 = 1000;
/// The one group of this version.
const GROUP: u32 = 0;

const _: () = assert!(ELECTION_TIMEOUT_MS_MIN >= 3 * HEARTBEAT_MS);
const _: () = assert!(ELECTION_TIMEOUT_MS_MAX > ELECTION_TIMEOUT_MS_MIN);

/// What a group is started with.
pub struct Options {
    pub node_id: u64,
    pub member: Member,
    pub clock: Arc<dyn Clock>,
    pub keyspace: Arc<Keyspace>,
    /// When the log has grown by so much since the last snapshot, the next is taken.
    pub snapshot_log_bytes: u64,
    pub snapshot_log_entries: u64,
}

/// The handle on a running group; clones share it.
#[derive(Clone)]
pub struct Group {
    raft: Raft<TypeConfig, StateMachine>,
    proposer: Proposer,
    log: Arc<Log>,
    loaded: Arc<AtomicBool>,
    snapshot_running: Arc<AtomicBool>,
    applied: Applied,
}

impl Group {
    /// Restores the newest snapshot, opens the log, and takes part in the group. A node whose log is empty founds
    /// a group of one.
    ///
    /// Returns when the node runs; [`Group::is_loaded`] tells when it has applied its log.
    pub async fn start(data: &DataDir, options: Options) -> Result<Group, Fatal> {
        let snapshots = SnapshotDir::open_dir(data.disk(), &data.snapshots_path(GROUP), GROUP)?;
        let running = Arc::new(AtomicBool::new(false));
        let machine = restore(&options.keyspace, &snapshots, &running)?;
        let (log, recovered) = open_log(data, machine.applied())?;
        let applied = machine.applied_so_far();
        let store = log_store(&log, &recovered)?;
        let raft =
            Raft::new(options.node_id, config(&options)?, Network, store, machine).await.map_err(stopped)?;
        let proposer = Proposer::start(raft.clone(), options.clock.clone());
        let group = Group {
            raft,
            proposer,
            log,
            loaded: Arc::new(AtomicBool::new(false)),
            snapshot_running: running,
            applied,
        };
        group.join(&options).await?;
        tokio::spawn(maintenance::run(
            group.raft.clone(),
            group.log.clone(),
            options.snapshot_log_bytes,
            group.snapshot_running.clone(),
        ));
        Ok(group)
    }

    async fn join(&self, options: &Options) -> Result<(), Fatal> {
        if !self.raft.is_initialized().await.map_err(stopped)? {
            let founder = BTreeMap::from([(options.node_id, options.member.clone())]);
            self.raft.initialize(founder).await.map_err(stopped)?;
        } else if self.is_alone() {
            // Nobody else could be leader, so there is no reason to wait for an election timeout.
            self.raft.trigger().elect(false).await.map_err(stopped)?;
        }
        let group = self.clone();
        let last = self.raft.metrics().borrow_watched().last_log_index;
        tokio::spawn(async move {
            let caught_up = move |metrics: &openraft::RaftMetrics<TypeConfig>| {
                metrics.last_applied.map(|id| id.index()) >= last && metrics.current_leader.is_some()
            };
            if group.raft.wait(None).metrics(caught_up, "the log is applied").await.is_ok() {
                group.loaded.store(true, Ordering::Release);
            }
        });
        Ok(())
    }

    /// Whether this node is the only voter, as far as it knows.
    fn is_alone(&self) -> bool {
        let metrics = self.raft.metrics();
        let metrics = metrics.borrow_watched();
        metrics.membership_config.voter_ids().eq([metrics.id])
    }

    /// Whether the log that was on disk at the start has been applied.
    pub fn is_loaded(&self) -> bool {
        self.loaded.load(Ordering::Acquire)
    }

    /// Waits until [`Group::is_loaded`], or until consensus has stopped.
    pub async fn wait_until_loaded(&self) -> Result<(), Fatal> {
        let last = self.raft.metrics().borrow_watched().last_log_index;
        let caught_up = move |metrics: &openraft::RaftMetrics<TypeConfig>| {
            metrics.last_applied.map(|id| id.index()) >= last && metrics.current_leader.is_some()
        };
        self.raft.wait(None).metrics(caught_up, "the log is applied").await.map_err(stopped)?;
        self.loaded.store(true, Ordering::Release);
        Ok(())
    }

    /// Puts a batch of writes into the log; their replies once it is on disk on a majority and applied here.
    ///
    /// # Errors
    /// Everything but [`Unavailable::Uncertain`] was decided before anything was proposed.
    pub async fn propose(&self, batch: Batch) -> Answered {
        self.check_serving()?;
        let room = self.log.reserve(batch.bytes())?;
        let replies = self.proposer.propose(batch).await;
        drop(room);
        replies
    }

    /// Returns when a read of this node's keyspace is as fresh as asked.
    pub async fn read_barrier(&self, consistency: ReadConsistency) -> Result<(), Unavailable> {
        if !self.is_loaded() {
            return Err(Unavailable::Loading);
        }
        if consistency == ReadConsistency::Local {
            return Ok(());
        }
        self.check_serving()?;
        // A group of one: every acknowledged write was applied here before it was answered, and nobody else can
        // have acknowledged one.
        if self.is_alone() {
            return Ok(());
        }
        let policy = openraft::ReadPolicy::ReadIndex;
        self.raft.ensure_linearizable(policy).await.map(|_| ()).map_err(|_| Unavailable::NoQuorum)
    }

    /// Whether this node leads and may answer.
    fn check_serving(&self) -> Result<(), Unavailable> {
        if !self.is_loaded() {
            return Err(Unavailable::Loading);
        }
        if !self.raft.is_leader() {
            return Err(Unavailable::NoLeader);
        }
        Ok(())
    }

    pub fn status(&self) -> Status {
        let metrics = self.raft.metrics();
        let metrics = metrics.borrow_watched();
        let running = self.snapshot_running.load(Ordering::Relaxed);
        Status::new(&metrics, self.log.stats(), self.proposer.load(), running, self.applied.get())
    }

    /// Takes a snapshot now, in the background.
    pub async fn trigger_snapshot(&self) -> Result<(), Fatal> {
        self.raft.trigger().snapshot().await.map_err(stopped)
    }

    /// Returns when consensus has stopped by itself: the node is finished.
    pub async fn failed(&self) -> Fatal {
        let mut metrics = self.raft.metrics();
        loop {
            if let Err(error) = &metrics.borrow_watched().running_state {
                return stopped(error);
            }
            if metrics.changed().await.is_err() {
                return Fatal::Consensus("its task ended".to_string());
            }
        }
    }

    /// Stops taking part and writes what is queued. Writes under way are answered first by the server.
    pub async fn shutdown(&self) {
        if let Err(error) = self.raft.shutdown().await {
            tracing::error!(%error, "consensus did not stop cleanly");
        }
        if let Err(fatal) = self.log.close() {
            tracing::error!(%fatal, "the log did not close cleanly");
        }
    }
}

fn stopped(error: impl std::fmt::Display) -> Fatal {
    Fatal::Consensus(error.to_string())
}

fn config(options: &Options) -> Result<Arc<openraft::Config>, Fatal> {
    let config = openraft::Config {
        cluster_name: "jsonvault".to_string(),
        heartbeat_interval: HEARTBEAT_MS,
        election_timeout_min: ELECTION_TIMEOUT_MS_MIN,
        election_timeout_max: ELECTION_TIMEOUT_MS_MAX,
        snapshot_policy: openraft::SnapshotPolicy::LogsSinceLast(options.snapshot_log_entries),
        // The log is purged by `maintenance`, behind the older of two snapshots.
        max_in_snapshot_log_to_keep: u64::MAX,
        ..openraft::Config::default()
    };
    config.validate().map(Arc::new).map_err(stopped)
}

/// The machine in the state of the newest good snapshot.
fn restore(
    keyspace: &Arc<Keyspace>,
    snapshots: &SnapshotDir,
    running: &Arc<AtomicBool>,
) -> Result<StateMachine, Fatal> {
    let (newest, _damaged) = snapshots.newest_good()?;
    let mut restored = None;
    if let Some(snapshot) = newest {
        let (meta, records) = load_records(snapshots, &snapshot, keyspace).map_err(stopped)?;
        tracing::info!(records, index = snapshot.place.0, "restored the newest snapshot");
        restored = Some(Snapshot { meta, snapshot });
    }
    let applied = restored.as_ref().and_then(|restored| restored.meta.last_log_id).map(|id| id.index());
    let machine = Machine::new(keyspace.clone(), applied);
    Ok(StateMachine::new(machine, restored, snapshots.clone(), running.clone()))
}

/// Opens the log, and makes sure that it goes on where the restored state ends.
fn open_log(data: &DataDir, applied: Option<u64>) -> Result<(Arc<Log>, Recovered), Fatal> {
    let path = data.log_path(GROUP);
    let options = log::Options { group: GROUP, ..log::Options::default() };
    let (log, recovered) = Log::open(data.disk(), &path, options)?;
    if applied.is_some() && recovered.vote.is_none() {
        let reason = "there is a snapshot and no log: what came after the snapshot is lost".to_string();
        return Err(Fatal::Directory { path, reason });
    }
    if let Some((purged, _)) = recovered.purged
        && applied.is_none_or(|applied| applied < purged)
    {
        let reason = format!(
            "entries up to {purged} are in no good snapshot, and the log begins after them: restore a backup"
        );
        return Err(Fatal::Directory { path, reason });
    }
    Ok((Arc::new(log), recovered))
}

fn log_store(log: &Arc<Log>, recovered: &Recovered) -> Result<LogStore, Fatal> {
    LogStore::new(log.clone(), recovered.vote.as_deref(), recovered.committed.as_deref()).map_err(stopped)
}
