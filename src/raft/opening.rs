//! Prepares a start: loads the newest snapshot, opens the log after it, and configures openraft.
//!
//! Invariant: the opened log continues where the restored state ends, otherwise the start fails
//! with the reason.

use std::path::Path;
use std::sync::Arc;

use openraft::EntryPayload;
use tokio::sync::oneshot;

use super::codec;
use super::log_store::LogStore;
use super::replica::{GROUP, ReplicaOptions};
use super::snapshot_status::SnapshotStatus;
use super::snapshots::{Snapshot, load_records};
use super::state_machine::StateMachine;
use super::timing::{ELECTION_TIMEOUT_MS_MAX, ELECTION_TIMEOUT_MS_MIN, HEARTBEAT_MS};
use super::types::{Membership, Vote};
use crate::error::Fatal;
use crate::machine::Machine;
use crate::peer::Endpoint;
use crate::peer::Member;
use crate::storage::log::{self, Log, Recovered};
use crate::storage::{DataDir, SnapshotDir};
use crate::version;

/// Maximum number of entries in one append to a follower; [`LogStore`] limits their total size. A
/// follower syncs once per append, so its disk takes at most this number of entries with each sync.
/// With openraft's 300, a follower with a slow disk stayed behind for ever.
const APPEND_ENTRIES_MAX: u64 = 4096;

/// Returns the machine in the state of the newest intact snapshot, or without state if there is
/// none.
pub fn restore(
    options: &ReplicaOptions,
    snapshots: &SnapshotDir,
    running: &Arc<SnapshotStatus>,
    endpoint: &Arc<Endpoint>,
) -> Result<StateMachine, Fatal> {
    let (newest, _damaged) = snapshots.newest_good()?;
    let supported = endpoint.supported;
    let (mut restored, mut version) = (None, version::FIRST);
    if let Some(snapshot) = newest {
        let loaded = load_records(snapshots, &snapshot, &options.keyspace, supported)?;
        tracing::info!(records = loaded.records, index = snapshot.position.0, "restored the newest snapshot");
        version = loaded.cluster_version;
        restored = Some(Snapshot { meta: loaded.meta, snapshot });
    }
    let applied = restored.as_ref().and_then(|restored| restored.meta.last_log_id).map(|id| id.index());
    let machine = Machine::new(options.keyspace.clone(), applied).at_version(version, supported);
    let background = options.background.clone();
    let (snapshots, running) = (snapshots.clone(), running.clone());
    Ok(StateMachine::new(machine, restored, snapshots, running, endpoint.clone(), background))
}

/// Opens the log, and checks that it continues where the restored state ends.
pub fn open_log(
    data: &DataDir,
    options: &ReplicaOptions,
    applied: Option<u64>,
    alone: bool,
) -> Result<(Arc<Log>, Recovered), Fatal> {
    let path = data.log_path(GROUP);
    let background = options.background.clone();
    let clock = options.clock.clone();
    let options = log::Options { group: GROUP, background, clock, ..options.log.clone() };
    let (log, recovered) = Log::open(data.disk(), &path, options)?;
    if applied.is_some() && recovered.vote.is_none() {
        let reason = "there is a snapshot but no log: entries after the snapshot are lost".to_string();
        return Err(Fatal::Directory { path, reason });
    }
    if let Some((purged, _)) = recovered.purged
        && applied.is_none_or(|applied| applied < purged)
    {
        let reason = format!(
            "the log begins after entry {purged}, and no intact snapshot has the entries before: restore a backup"
        );
        return Err(Fatal::Directory { path, reason });
    }
    check_end(&recovered, applied, alone, &path)?;
    Ok((Arc::new(log), recovered))
}

/// Checks that the log reaches the last entry of the newest snapshot. A single node takes snapshots
/// only of entries that are durable in its log, so a shorter log has lost its end. In a cluster of
/// several nodes a shorter log is possible without a loss: the node received the snapshot from its
/// leader and stopped before the log recorded that.
fn check_end(recovered: &Recovered, applied: Option<u64>, alone: bool, path: &Path) -> Result<(), Fatal> {
    let last = recovered.last.or(recovered.purged).map(|(index, _)| index);
    if last >= applied {
        return Ok(());
    }
    let (last, applied) = (last.map_or(-1, |index| index as i64), applied.unwrap_or_default());
    if alone {
        let reason = format!(
            "the log ends at entry {last}, but the newest snapshot includes entry {applied}: the end of the log is lost"
        );
        return Err(Fatal::Directory { path: path.to_owned(), reason });
    }
    tracing::warn!(last, applied, "the log ends before the last entry of the newest snapshot");
    Ok(())
}

pub fn log_store(log: &Arc<Log>, recovered: &Recovered) -> Result<LogStore, Fatal> {
    LogStore::new(log.clone(), recovered.vote.as_deref(), recovered.committed.as_deref())
        .map_err(|error| unreadable(log, error))
}

/// Number of low bits of a forced cluster's first term, which come from the node's new incarnation.
/// The higher bits count one more than those of any term that the node knows; until the repair
/// ends, former members go through far fewer terms than these bits can count.
const FORK_TERM_BITS: u32 = 20;

fn unreadable(log: &Log, error: codec::Unreadable) -> Fatal {
    Fatal::Directory { path: log.path(), reason: error.to_string() }
}

/// Makes this node the only member, for an operator who decided that the other members are lost and
/// that the cluster continues with this node's data. Appends a membership entry that no leader
/// proposed; every entry of this node's log then counts as committed.
///
/// The entry's term is beyond any that this node knows, and depends on the node's new incarnation,
/// which is random. It is therefore very unlikely that an entry of a former member, or of another
/// node that was forced in the same way, has the same index and term.
pub async fn forget_others(log: &Log, recovered: &mut Recovered, id: u64, own: Member) -> Result<(), Fatal> {
    let vote = recovered
        .vote
        .as_deref()
        .map(codec::decode_vote)
        .transpose()
        .map_err(|error| unreadable(log, error))?;
    let voted = vote.map_or(0, |vote| codec::store_vote(&vote).term);
    let last = log.last().or(log.purged());
    let known = voted.max(last.map_or(0, |(_, term)| term));
    let term =
        (((known >> FORK_TERM_BITS) + 1) << FORK_TERM_BITS) | (own.incarnation & ((1 << FORK_TERM_BITS) - 1));
    let vote = codec::encode_vote(&Vote::new(term, id));
    log.save_vote(&vote)?;
    recovered.vote = Some(vote);
    let members = Membership::new(vec![[id].into()], std::collections::BTreeMap::from([(id, own)]));
    let members = members.map_err(|error| Fatal::Consensus(error.to_string()))?;
    let payload = codec::encode_payload(&EntryPayload::Membership(members));
    let entry = log::Entry { index: last.map_or(0, |(index, _)| index + 1), term, payload };
    let (written, appended) = oneshot::channel();
    log.append(vec![entry], move |outcome| drop(written.send(outcome)));
    appended.await.map_err(|_| Fatal::Consensus("the log was closed".to_string()))??;
    tracing::warn!(node = id, term, "this node continues as a cluster of its own");
    Ok(())
}

/// Configures openraft.
pub fn config(options: &ReplicaOptions) -> Result<Arc<openraft::Config>, Fatal> {
    let config = openraft::Config {
        cluster_name: "jsonvault".to_string(),
        heartbeat_interval: HEARTBEAT_MS,
        election_timeout_min: ELECTION_TIMEOUT_MS_MIN,
        election_timeout_max: ELECTION_TIMEOUT_MS_MAX,
        // A node that returns after it was cut off does not depose the leader.
        enable_pre_vote: Some(true),
        // A leader may have sent entries that it had not yet synced, and lose them in a crash. If
        // it continued in its old term, it would assign their indexes to other entries.
        enable_leader_restore: Some(false),
        snapshot_policy: openraft::SnapshotPolicy::LogsSinceLast(options.snapshot_log_entries),
        // `maintenance` purges the log instead, and keeps the entries after the older of two
        // snapshots.
        max_in_snapshot_log_to_keep: u64::MAX,
        max_payload_entries: APPEND_ENTRIES_MAX,
        ..openraft::Config::default()
    };
    config.validate().map(Arc::new).map_err(|error| Fatal::Config(error.to_string()))
}
