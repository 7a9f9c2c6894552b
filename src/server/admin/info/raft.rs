//! `INFO replication`, `raft`, `cluster` and `persistence`: the group and its log, as far as this
//! node knows.

use std::time::Duration;

use super::text::line;
use crate::command::Inspect;
use crate::raft::Phase;
use crate::server::admin::cluster as admin_cluster;
use crate::server::state::ServerState;

/// `INFO replication`: the members, in Redis' fields.
pub fn replication(state: &ServerState, out: &mut String) {
    let topology = admin_cluster::topology(state);
    let offset = topology.own().map_or(0, |peer| peer.offset);
    if topology.is_leader() {
        line(out, format_args!("role:master"));
        line(out, format_args!("connected_slaves:{}", topology.replicas().count()));
        for (nth, peer) in topology.replicas().enumerate() {
            let (host, port, offset) = (&peer.host, peer.port, peer.offset);
            line(out, format_args!("slave{nth}:ip={host},port={port},state=online,offset={offset}"));
        }
    } else {
        line(out, format_args!("role:slave"));
        let leader = topology.master();
        line(out, format_args!("master_host:{}", leader.map_or("", |peer| &peer.host)));
        line(out, format_args!("master_port:{}", leader.map_or(0, |peer| peer.port)));
        line(out, format_args!("master_link_status:{}", if leader.is_some() { "up" } else { "down" }));
        line(out, format_args!("slave_repl_offset:{offset}"));
        line(out, format_args!("connected_slaves:0"));
    }
    // Redis' id for a history of writes; here it identifies the cluster, so it is the same on every
    // node.
    line(out, format_args!("master_replid:{}", topology.name(0)));
    line(out, format_args!("master_repl_offset:{offset}"));
}

pub fn raft(state: &ServerState, out: &mut String) {
    let status = state.group.status();
    let index = |index: Option<u64>| index.map_or_else(|| "-1".to_string(), |index| index.to_string());
    line(out, format_args!("node_id:{}", status.node_id));
    line(out, format_args!("current_term:{}", status.term));
    line(out, format_args!("is_leader:{}", u8::from(status.is_leader())));
    line(out, format_args!("leader_id:{}", index(status.leader)));
    line(out, format_args!("state:{}", status.role.name()));
    line(out, format_args!("removed:{}", u8::from(status.removed)));
    line(out, format_args!("incarnation:{:016x}", state.group.incarnation()));
    line(out, format_args!("startup:{}", startup(&status.phase)));
    line(out, format_args!("answering:{}", ids(status.answering)));
    line(out, format_args!("cluster_id:{}", state.group.cluster()));
    line(out, format_args!("cluster_size:{}", status.cluster_size));
    let supported = state.group.supported_versions();
    line(out, format_args!("cluster_version:{}", state.group.cluster_version()));
    line(out, format_args!("version_min:{}", supported.min));
    line(out, format_args!("version_max:{}", supported.max));
    line(out, format_args!("last_log_index:{}", index(status.last_log_index)));
    line(out, format_args!("last_applied:{}", index(status.last_applied)));
    line(out, format_args!("commit_index:{}", index(status.commit_index)));
    line(out, format_args!("group_time_ms:{}", state.group.now_ms()));
    line(out, format_args!("wall_clock_ahead_ms:{}", state.group.wall_ahead_ms()));
    line(out, format_args!("snapshot_index:{}", index(status.snapshot_index)));
    line(out, format_args!("purged_index:{}", index(status.purged_index)));
    line(out, format_args!("log_size_bytes:{}", status.log.bytes));
    line(out, format_args!("log_segments:{}", status.log.segments));
    let entries = match (status.log.first, status.last_log_index) {
        (Some(first), Some(last)) => last + 1 - first.min(last + 1),
        _ => 0,
    };
    line(out, format_args!("log_entries:{entries}"));
    line(out, format_args!("proposals_waiting_bytes:{}", status.waiting_bytes));
    line(out, format_args!("proposals_in_flight:{}", status.in_flight));
    for known in &status.members {
        let role = match (Some(known.id) == status.leader, known.voter) {
            (true, _) => "leader",
            (false, true) => "follower",
            (false, false) => "learner",
        };
        // Only a leader knows the progress of other members.
        let lag = known.matched.and_then(|matched| Some(status.last_log_index?.saturating_sub(matched)));
        // A member that lost its log no longer has the entries that it acknowledged, so its lag is
        // unknown.
        let lag = lag.filter(|_| !known.lost).map_or_else(|| "-1".to_string(), |lag| lag.to_string());
        let lost = if known.lost { ",lost_entries=1" } else { "" };
        let member = &known.member;
        line(
            out,
            format_args!(
                "node{}:address={},raft_address={},role={role},lag={lag}{lost}",
                known.id, member.client_address, member.raft_address
            ),
        );
    }
}

/// The phase of the start, with the nodes that this node waits for.
fn startup(phase: &Phase) -> String {
    match phase {
        Phase::Done => "done".to_string(),
        Phase::Rejoining => "rejoining".to_string(),
        Phase::Waiting(nodes) => format!("waiting:{}", ids(nodes.iter().copied())),
    }
}

fn ids(nodes: impl IntoIterator<Item = u64>) -> String {
    nodes.into_iter().map(|id| id.to_string()).collect::<Vec<_>>().join(",")
}

/// `INFO cluster`: the fields that a Redis exporter reads, all beginning with `cluster_`.
pub fn cluster(state: &ServerState, out: &mut String) {
    let status = state.group.status();
    line(out, format_args!("cluster_enabled:{}", u8::from(state.config.read().cluster_enabled)));
    line(out, format_args!("cluster_raft_term:{}", status.term));
    line(out, format_args!("cluster_raft_commit_index:{}", status.commit_index.unwrap_or(0)));
    line(out, format_args!("cluster_raft_applied_index:{}", status.last_applied.unwrap_or(0)));
    line(out, format_args!("cluster_raft_is_leader:{}", u8::from(status.is_leader())));
    line(out, format_args!("cluster_size:{}", status.cluster_size));
}

/// `INFO persistence`: figures of snapshots in Redis' RDB fields, figures of the log in its AOF
/// fields.
pub fn persistence(state: &ServerState, out: &mut String) {
    let (status, saves) = (state.group.status(), state.group.snapshot_stats());
    let seconds = |time: Option<Duration>| time.map_or(-1, |time| time.as_secs() as i64);
    // Counted in log entries; the changes within an entry are not counted.
    let changes = status.last_applied.map_or(0, |applied| {
        status.snapshot_index.map_or(applied + 1, |saved| applied.saturating_sub(saved))
    });
    line(out, format_args!("loading:{}", u8::from(!state.group.is_loaded())));
    line(out, format_args!("async_loading:0"));
    line(out, format_args!("rdb_changes_since_last_save:{changes}"));
    line(out, format_args!("rdb_bgsave_in_progress:{}", u8::from(status.snapshot_running)));
    line(out, format_args!("rdb_last_save_time:{}", state.last_save_seconds()));
    line(out, format_args!("rdb_last_bgsave_status:{}", if status.snapshot_failed { "err" } else { "ok" }));
    line(out, format_args!("rdb_last_bgsave_time_sec:{}", seconds(saves.last_took)));
    line(out, format_args!("rdb_current_bgsave_time_sec:{}", seconds(saves.running_for)));
    line(out, format_args!("rdb_saves:{}", saves.ended));
    line(out, format_args!("aof_enabled:1"));
    line(out, format_args!("aof_rewrite_in_progress:{}", u8::from(status.snapshot_running)));
    line(out, format_args!("aof_rewrite_scheduled:0"));
    line(out, format_args!("aof_current_size:{}", status.log.bytes));
    line(out, format_args!("aof_last_write_status:{}", if status.log.poisoned { "err" } else { "ok" }));
    line(out, format_args!("log_syncs:{}", status.log.syncs));
    line(out, format_args!("log_writes:{}", status.log.writes));
    line(out, format_args!("log_written_bytes:{}", status.log.written_bytes));
    line(out, format_args!("log_stalled_no_space:{}", u8::from(status.log.stalled)));
}
