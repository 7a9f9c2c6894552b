//! A node's replica of the log and of the state: opens the parts that consensus needs, in order,
//! and gives access to them.
//!
//! Invariants:
//! * the keyspace changes only when entries are applied or a snapshot is loaded: the machine
//!   belongs to openraft's worker, which applies committed entries in order;
//! * no linearizable read is served before the log that was on disk at the start has been applied,
//!   because it would miss acknowledged writes.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use openraft::Raft;

use super::acknowledged::Acknowledgements;
use super::consensus::{Consensus, stopped};
use super::disk_room::DiskRoom;
use super::expiry::Expiry;
use super::leader_contact::LeaderContact;
use super::maintenance;
use super::opening::{config, forget_others, log_store, open_log, restore};
use super::participation::Participation;
use super::proposer::Proposer;
use super::receiver::RaftReceiver;
use super::replication::Network;
use super::snapshot_status::SnapshotStatus;
use super::state_machine::AppliedIndex;
use super::status::Status;
use super::strand::Strand;
use super::time::GroupTime;
use crate::env::{Background, Clock};
use crate::error::Fatal;
use crate::keyspace::Keyspace;
use crate::peer::{Endpoint, Member};
use crate::storage::{DataDir, SnapshotDir, log};

/// The only Raft group in this version.
pub const GROUP: u32 = 0;

/// The options that a replica starts with.
pub struct ReplicaOptions {
    /// Set if an operator has declared the other members lost: the node continues as the only
    /// member, with this address.
    pub forget_others: Option<Member>,
    pub clock: Arc<dyn Clock>,
    pub keyspace: Arc<Keyspace>,
    /// The log growth in bytes after which the next snapshot is due.
    pub snapshot_log_bytes: u64,
    pub snapshot_log_entries: u64,
    /// The log's options; [`Replica::start`] sets the group, the clock and the background.
    pub log: log::Options,
    /// Runs blocking work: writing the log, saving and loading snapshots.
    pub background: Background,
}

/// A running replica.
pub struct Replica {
    pub consensus: Consensus,
    pub proposer: Proposer,
    pub receiver: Arc<RaftReceiver>,
    pub participation: Arc<Participation>,
    pub acknowledged: Arc<Acknowledgements>,
    pub applied: AppliedIndex,
    pub time: Arc<GroupTime>,
    pub disk_room: Arc<DiskRoom>,
    pub snapshots: Arc<SnapshotStatus>,
    /// Runs openraft and the proposer.
    strand: Strand,
    leader_contact: Arc<LeaderContact>,
    endpoint: Arc<Endpoint>,
    keyspace: Arc<Keyspace>,
    snapshot_log_bytes: u64,
}

impl Replica {
    /// Restores the newest snapshot, opens the log after it, and starts consensus.
    pub async fn start(
        data: &DataDir,
        options: ReplicaOptions,
        endpoint: Arc<Endpoint>,
    ) -> Result<Replica, Fatal> {
        let snapshots = SnapshotDir::open_dir(data.disk(), &data.snapshots_path(GROUP), GROUP)?;
        let status = Arc::new(SnapshotStatus::default());
        let node_id = data.identity().node;
        // A new directory has the version of no cluster yet.
        if !data.is_fresh() {
            data.check_version(endpoint.supported)?;
            endpoint.applied_version(data.version());
        }
        let machine = restore(&options, &snapshots, &status, &endpoint)?
            .recording(data.version_record(), data.version());
        let alone = machine.is_alone(node_id);
        let (log, mut recovered) = open_log(data, &options, machine.applied(), alone)?;
        if let Some(own) = options.forget_others.clone() {
            forget_others(&log, &mut recovered, node_id, own).await?;
        }
        let applied = machine.applied_index();
        let store = log_store(&log, &recovered)?;
        let synced = store.synced.clone();
        let time = Arc::new(GroupTime::new(options.clock.clone(), options.keyspace.clone()));
        let acknowledged = Arc::new(Acknowledgements::default());
        let network = Network {
            endpoint: endpoint.clone(),
            acknowledged: acknowledged.clone(),
            time: time.clone(),
            snapshots: snapshots.clone(),
            background: options.background.clone(),
        };
        let strand = Strand::start();
        let raft = strand.adopt(Raft::new(node_id, config(&options)?, network, store, machine));
        let raft = raft.await.map_err(stopped)?;
        let consensus = Consensus::new(raft, log);
        strand.spawn(consensus.clone().watch_for_failure());
        // A node that has voted before may have promised a leader to grant no other vote for a
        // while.
        let voted = recovered.vote.is_some();
        let participation = Arc::new(Participation::new(consensus.clone(), endpoint.clone(), voted));
        let disk_room = Arc::new(DiskRoom::default());
        let leader_contact = Arc::new(LeaderContact::default());
        let receiver = RaftReceiver {
            consensus: consensus.clone(),
            participation: participation.clone(),
            time: time.clone(),
            applied: applied.clone(),
            disk_room: disk_room.clone(),
            snapshots,
            incoming: Arc::default(),
            leader_contact: leader_contact.clone(),
            background: options.background,
        };
        let proposer = Proposer::new(
            (consensus.clone(), endpoint.clone()),
            options.clock,
            time.clone(),
            synced,
            strand.clone(),
        );
        strand.spawn(proposer.clone().run());
        Ok(Replica {
            strand,
            proposer,
            consensus,
            receiver: Arc::new(receiver),
            participation,
            acknowledged,
            applied,
            time,
            disk_room,
            snapshots: status,
            leader_contact,
            endpoint,
            keyspace: options.keyspace,
            snapshot_log_bytes: options.snapshot_log_bytes,
        })
    }

    /// The tasks that run concurrently with consensus, each running for as long as it is polled:
    /// watching the quorum, expiry, snapshots.
    pub fn tasks(&self) -> [BoxFuture<'static, ()>; 3] {
        let consensus = self.consensus.clone();
        let expiry = Expiry {
            consensus: consensus.clone(),
            proposer: self.proposer.clone(),
            participation: self.participation.clone(),
            applied: self.applied.clone(),
            time: self.time.clone(),
            keyspace: self.keyspace.clone(),
        };
        [
            Box::pin(consensus.clone().watch_quorum(self.endpoint.node_id())),
            Box::pin(expiry.run()),
            Box::pin(maintenance::run(consensus, self.snapshot_log_bytes, self.snapshots.clone())),
        ]
    }

    pub fn status(&self) -> Status {
        let (stats, load) = (self.consensus.log.stats(), self.proposer.load());
        let mut status =
            self.consensus.with_metrics(|metrics| Status::new(metrics, stats, load, self.applied.get()));
        // Only the reported leader is hidden. Requests are still sent to the leader that consensus
        // names, because it may be alive and only out of this node's reach.
        status.leader = status.leader.filter(|id| *id == status.node_id || self.leader_contact.is_recent());
        status.snapshot_running = self.snapshots.is_running();
        status.snapshot_failed = self.snapshots.has_failed();
        status.removed = self.endpoint.is_removed();
        status.phase = self.participation.phase();
        for known in &mut status.members {
            known.lost = self.acknowledged.has_lost(known.id, known.member.incarnation);
        }
        status
    }

    /// Starts a snapshot now; it is written in the background.
    pub async fn trigger_snapshot(&self) -> Result<(), Fatal> {
        self.snapshots.permit_now();
        self.consensus.snapshot().await
    }

    /// Ends the strand and closes the log, to which nothing may write any more.
    ///
    /// # Errors
    /// [`Fatal`] if the log failed, now or before: the shutdown was not clean.
    pub fn close_log(&self) -> Result<(), Fatal> {
        self.strand.end();
        self.consensus.log.close()
    }
}
