//! The handle on openraft for the rest of the program: queries and commands in plain types.
//!
//! Invariant: no method that reads the metrics is called while they are borrowed. A second reader
//! that queues behind a waiting writer would deadlock.

use std::collections::BTreeMap;
use std::sync::Arc;

use openraft::Raft;
use openraft::async_runtime::Instant as _;
use openraft::async_runtime::watch::{Watch as _, WatchReceiver, WatchSender};
use openraft::errors::{LinearizableReadError, RaftError};
use openraft::metrics::RaftServerMetrics;
use openraft::raft::ReadPolicy;
use openraft::type_config::alias::WatchReceiverOf;

use super::state_machine::StateMachine;
use super::timing::LEASE;
use super::types::TypeConfig;
use super::watch::{Sender, Watch};
use crate::error::{Fatal, Unavailable};
use crate::peer::{ForwardError, Member};
use crate::storage::log::{Log, LogPosition};

pub(super) type Metrics = openraft::RaftMetrics<TypeConfig>;

/// A handle on consensus; clones share it.
#[derive(Clone)]
pub struct Consensus {
    pub(super) raft: Raft<TypeConfig, StateMachine>,
    pub(super) log: Arc<Log>,
    /// The reason why consensus stopped, once it has failed.
    failure: Sender<Option<Fatal>>,
}

/// Signals each change in a node's view of its group: entries, members, the leader, and the
/// progress of the other members.
pub struct Changes(WatchReceiverOf<TypeConfig, Metrics>);

impl Changes {
    /// Returns when the view has changed since `self` was created or since the last return; never
    /// returns once consensus has stopped.
    pub async fn next(&mut self) {
        if self.0.changed().await.is_err() {
            std::future::pending().await
        }
    }
}

/// Whether a node leads, and whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Leads {
    /// The node does not lead.
    No,
    /// The node leads and is the only member; there is not even a learner.
    Nobody,
    Others,
}

/// Watches whether this node leads. It changes seldom, unlike [`Changes`].
///
/// Waiters decide by this value alone, because openraft publishes it shortly before its other
/// metrics.
pub(super) struct Standing(WatchReceiverOf<TypeConfig, RaftServerMetrics<TypeConfig>>);

impl Standing {
    pub fn leads(&mut self) -> Leads {
        let now = self.0.borrow_and_update();
        if !now.state.is_leader() {
            return Leads::No;
        }
        let alone = now.membership_config.nodes().map(|(id, _)| *id).eq([now.id]);
        if alone { Leads::Nobody } else { Leads::Others }
    }

    /// Returns when the standing has changed since the last [`Standing::leads`]; never returns once
    /// consensus has stopped.
    pub async fn changed(&mut self) {
        if self.0.changed().await.is_err() {
            std::future::pending().await
        }
    }
}

pub(super) fn stopped(error: impl std::fmt::Display) -> Fatal {
    Fatal::Consensus(error.to_string())
}

impl Consensus {
    pub(super) fn new(raft: Raft<TypeConfig, StateMachine>, log: Arc<Log>) -> Consensus {
        Consensus { raft, log, failure: Watch::channel(None).0 }
    }

    pub(super) fn with_metrics<T>(&self, look: impl FnOnce(&Metrics) -> T) -> T {
        look(&self.raft.metrics().borrow_watched())
    }

    pub fn is_leader(&self) -> bool {
        self.raft.is_leader()
    }

    /// The leader that this node knows of, with its address if the membership lists it.
    pub fn leader(&self) -> Option<(u64, Option<Member>)> {
        self.with_metrics(|metrics| {
            let members = metrics.membership_config.membership();
            metrics.current_leader.map(|id| (id, members.get_node(&id).cloned()))
        })
    }

    pub fn term(&self) -> u64 {
        self.with_metrics(|metrics| metrics.current_term)
    }

    /// Whether this node is the only voter, as far as it knows.
    pub fn is_alone(&self) -> bool {
        self.leads_alone().is_some()
    }

    /// `Some(true)` if this node leads and is the only voter, `Some(false)` if it is the only voter
    /// and does not lead, `None` if there are other voters. Reads the metrics only once, because
    /// every batch of reads calls it.
    pub fn leads_alone(&self) -> Option<bool> {
        self.with_metrics(|metrics| {
            let alone = metrics.membership_config.voter_ids().eq([metrics.id]);
            alone.then(|| metrics.current_leader == Some(metrics.id))
        })
    }

    /// All members, learners included, and the index of the membership entry that lists them,
    /// committed or not.
    pub fn membership(&self) -> (Option<u64>, BTreeMap<u64, Member>) {
        self.with_metrics(|metrics| {
            let membership = &metrics.membership_config;
            let members = membership.nodes().map(|(id, member)| (*id, member.clone())).collect();
            (membership.log_id().as_ref().map(|id| id.index()), members)
        })
    }

    /// All members, learners included.
    pub fn members(&self) -> BTreeMap<u64, Member> {
        self.membership().1
    }

    pub fn member(&self, id: u64) -> Option<Member> {
        self.with_metrics(|metrics| metrics.membership_config.membership().get_node(&id).cloned())
    }

    /// Whether this incarnation of a node is a member; the membership entry may be uncommitted.
    pub fn has_member(&self, id: u64, incarnation: u64) -> bool {
        let is_it = |member: &Member| member.incarnation == incarnation;
        self.with_metrics(|metrics| metrics.membership_config.membership().get_node(&id).is_some_and(is_it))
    }

    /// The newest entry that openraft reports as applied.
    pub fn applied(&self) -> Option<LogPosition> {
        self.with_metrics(|metrics| metrics.last_applied.as_ref().map(super::codec::pair))
    }

    /// The end of the log.
    pub fn last(&self) -> Option<LogPosition> {
        self.log.last().or(self.log.purged())
    }

    /// The term of an entry that the log still holds, or of the last purged entry.
    pub fn term_of(&self, index: u64) -> Option<u64> {
        let purged = || self.log.purged().filter(|purged| purged.0 == index).map(|purged| purged.1);
        self.log.term_of(index).or_else(purged)
    }

    /// Whether this node has voted or has an entry, from this run or an earlier one.
    pub async fn is_initialized(&self) -> Result<bool, Fatal> {
        self.raft.is_initialized().await.map_err(stopped)
    }

    /// Forms the cluster with these initial members.
    ///
    /// # Errors
    /// The reason why the cluster could not be formed.
    pub async fn initialize(&self, members: BTreeMap<u64, Member>) -> Result<(), String> {
        self.raft.initialize(members).await.map_err(|error| error.to_string())
    }

    /// Starts an election now.
    pub async fn elect(&self) -> Result<(), Fatal> {
        self.raft.trigger().elect(false).await.map_err(stopped)
    }

    /// Enables or disables elections started by this node when it does not hear from a leader.
    pub fn enable_elections(&self, enabled: bool) {
        self.raft.runtime_config().elect(enabled);
    }

    /// Confirms this node's leadership by a majority, or by its lease, and returns the index that
    /// must be applied before a read.
    pub async fn read_index(&self, lease: bool) -> Result<u64, ForwardError> {
        let policy = if lease { ReadPolicy::LeaseRead } else { ReadPolicy::ReadIndex };
        match self.raft.get_read_log_id(policy).await {
            Ok((read, _applied)) => Ok(read.index()),
            Err(RaftError::APIError(LinearizableReadError::ForwardToLeader(_))) => {
                Err(ForwardError::NotLeader)
            }
            Err(RaftError::APIError(LinearizableReadError::QuorumNotEnough(_))) => {
                Err(ForwardError::Unavailable(Unavailable::NoQuorum))
            }
            Err(RaftError::Fatal(_)) => Err(ForwardError::Unavailable(Unavailable::NoLeader)),
        }
    }

    /// Whether a majority has replied so recently that it cannot have elected another leader.
    pub fn holds_lease(&self) -> bool {
        let leader = self.raft.as_leader();
        let acked = leader.ok().and_then(|leader| leader.last_quorum_acked());
        acked.is_some_and(|acked| acked.elapsed() < LEASE)
    }

    /// Returns once the log found on disk at the start has been applied and a leader is known, or
    /// consensus has stopped.
    pub(super) async fn until_log_is_applied(&self) -> Result<(), Fatal> {
        let last = self.with_metrics(|metrics| metrics.last_log_index);
        // A later leader may truncate the end of the log that was found on disk, because no
        // majority may have had it.
        let caught_up = move |metrics: &Metrics| {
            let last = last.min(metrics.last_log_index);
            metrics.last_applied.map(|id| id.index()) >= last && metrics.current_leader.is_some()
        };
        self.raft.wait(None).metrics(caught_up, "the log is applied").await.map(drop).map_err(stopped)
    }

    pub(super) async fn snapshot(&self) -> Result<(), Fatal> {
        self.raft.trigger().snapshot().await.map_err(stopped)
    }

    pub(super) fn standing(&self) -> Standing {
        Standing(self.raft.server_metrics())
    }

    /// Watches this node's view of its group for changes.
    pub fn changes(&self) -> Changes {
        Changes(self.raft.metrics())
    }

    /// Returns when consensus stops because of an error: the node can no longer work.
    pub async fn failed(&self) -> Fatal {
        let mut failure = self.failure.subscribe();
        loop {
            if let Some(fatal) = &*failure.borrow_and_update() {
                return fatal.clone();
            }
            // `self` holds the sender, so the channel does not end.
            let _ = failure.changed().await;
        }
    }

    /// Waits for a failure of consensus, for [`Consensus::failed`]. The metrics change with every
    /// entry, so one task of the strand watches them for all callers.
    pub(super) async fn watch_for_failure(self) {
        let fatal = self.next_failure().await;
        self.failure.send_if_modified(|failure| {
            *failure = Some(fatal);
            true
        });
    }

    async fn next_failure(&self) -> Fatal {
        let mut metrics = self.raft.metrics();
        loop {
            if let Err(error) = &metrics.borrow_watched().running_state {
                // Consensus keeps the log's error only as text, if at all; the log has the error
                // itself.
                return self.log.failure().unwrap_or_else(|| stopped(error));
            }
            if metrics.changed().await.is_err() {
                return Fatal::Consensus("the task of consensus has ended".to_string());
            }
        }
    }

    pub async fn shutdown(&self) {
        if let Err(error) = self.raft.shutdown().await {
            tracing::error!(%error, "consensus did not stop cleanly");
        }
    }
}
