//! The text of `INFO`.
//!
//! Each section is a function and a row of [`SECTIONS`]; names and meanings are Redis' where it has the field.

mod clients;
mod counters;
mod persistence;
mod process;

use std::fmt::Write;

use super::topology;
use crate::command::connection::hello::REDIS_VERSION;
use crate::raft::Phase;
use crate::server::state::ServerState;

type Section = (&'static str, fn(&ServerState, &mut String));

/// The sections in their order.
const SECTIONS: &[Section] = &[
    ("Server", server),
    ("Clients", clients::clients),
    ("Memory", process::memory),
    ("Persistence", persistence::persistence),
    ("Stats", counters::stats),
    ("Replication", topology::replication),
    ("CPU", process::cpu),
    ("Raft", raft),
    ("Cluster", cluster),
    ("Modules", modules),
    ("Commandstats", counters::commandstats),
    ("Errorstats", counters::errorstats),
    ("Latencystats", counters::latencystats),
    ("Keyspace", keyspace),
];

/// Sections that are shown only when asked for by name, or with `all` or `everything`.
const ON_REQUEST: &[&str] = &["commandstats", "latencystats"];

/// The sections of these names, lower case; of none: the default ones.
pub fn text(state: &ServerState, names: &[String]) -> String {
    let wanted = |section: &str| {
        let section = section.to_lowercase();
        let default = !ON_REQUEST.contains(&section.as_str());
        let named = |name: &String| match name.as_str() {
            "all" | "everything" => true,
            "default" => default,
            name => name == section,
        };
        if names.is_empty() { default } else { names.iter().any(named) }
    };
    let mut out = String::new();
    for (name, write) in SECTIONS.iter().filter(|(name, _)| wanted(name)) {
        if !out.is_empty() {
            out.push_str("\r\n");
        }
        line(&mut out, format_args!("# {name}"));
        write(state, &mut out);
    }
    out
}

fn line(out: &mut String, text: std::fmt::Arguments<'_>) {
    out.write_fmt(text).expect("a string takes any text");
    out.push_str("\r\n");
}

/// What the runtime waits for sockets with.
const MULTIPLEXING: &str = if cfg!(target_os = "linux") { "epoll" } else { "kqueue" };

/// Redis' clock of last use has 24 bits.
const LRU_CLOCK_MAX: u64 = (1 << 24) - 1;

/// How many threads serve clients.
fn io_threads() -> usize {
    tokio::runtime::Handle::try_current().map_or(1, |runtime| runtime.metrics().num_workers())
}

fn server(state: &ServerState, out: &mut String) {
    let config = state.config.read();
    let uptime = state.clock.now_ms().saturating_sub(state.started_ms) / 1000;
    line(out, format_args!("redis_version:{REDIS_VERSION}"));
    line(out, format_args!("server_name:jsonvault"));
    line(out, format_args!("jsonvault_version:{}", env!("CARGO_PKG_VERSION")));
    // As Redis says it of a build that knows of no repository.
    line(out, format_args!("redis_git_sha1:00000000"));
    line(out, format_args!("redis_git_dirty:0"));
    let mode = if config.cluster_enabled { "cluster" } else { "standalone" };
    line(out, format_args!("redis_mode:{mode}"));
    line(out, format_args!("os:{} {}", std::env::consts::OS, std::env::consts::ARCH));
    line(out, format_args!("arch_bits:{}", usize::BITS));
    line(out, format_args!("multiplexing_api:{MULTIPLEXING}"));
    line(out, format_args!("process_id:{}", std::process::id()));
    line(out, format_args!("run_id:{}", state.run_id));
    line(out, format_args!("tcp_port:{}", config.address.rsplit(':').next().unwrap_or_default()));
    line(out, format_args!("server_time_usec:{}", state.clock.now_ms() * 1000));
    line(out, format_args!("uptime_in_seconds:{uptime}"));
    line(out, format_args!("uptime_in_days:{}", uptime / 86_400));
    // How often a second the node looks after what passes with time.
    line(out, format_args!("hz:10"));
    line(out, format_args!("configured_hz:10"));
    line(out, format_args!("lru_clock:{}", (state.clock.now_ms() / 1000) & LRU_CLOCK_MAX));
    line(out, format_args!("executable:{}", state.executable.display()));
    let file = config.config.as_ref().map_or_else(String::new, |path| path.display().to_string());
    line(out, format_args!("config_file:{file}"));
    line(out, format_args!("io_threads_active:{}", u8::from(io_threads() > 1)));
}

fn raft(state: &ServerState, out: &mut String) {
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
        // Only a leader knows how far the others are.
        let lag = known.matched.and_then(|matched| Some(status.last_log_index?.saturating_sub(matched)));
        // One that lost its log has not got as far as it said.
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

/// How far a start is: what it waits for, if for anything.
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

/// What a Redis exporter takes for its cluster metrics: every field that begins with `cluster_`.
fn cluster(state: &ServerState, out: &mut String) {
    let status = state.group.status();
    line(out, format_args!("cluster_enabled:{}", u8::from(state.config.read().cluster_enabled)));
    line(out, format_args!("cluster_raft_term:{}", status.term));
    line(out, format_args!("cluster_raft_commit_index:{}", status.commit_index.unwrap_or(0)));
    line(out, format_args!("cluster_raft_applied_index:{}", status.last_applied.unwrap_or(0)));
    line(out, format_args!("cluster_raft_is_leader:{}", u8::from(status.is_leader())));
    line(out, format_args!("cluster_size:{}", status.cluster_size));
}

fn modules(_shared: &ServerState, out: &mut String) {
    line(out, format_args!("module:name=ReJSON,ver=80000,api=1,filters=0,usedby=[],using=[],options=[]"));
}

fn keyspace(state: &ServerState, out: &mut String) {
    let keys = state.keyspace.len();
    if keys > 0 {
        line(out, format_args!("db0:keys={keys},expires={},avg_ttl=0", state.keyspace.deadlines()));
    }
}
