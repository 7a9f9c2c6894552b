//! The text of `INFO`.
//!
//! Each section is a function and a row of [`SECTIONS`]; names and meanings are Redis' where it has the field.

use std::fmt::Write;

use super::shared::Shared;
use super::stats::get;
use super::topology;
use crate::command::connection::hello::REDIS_VERSION;
use crate::command::table;

type Section = (&'static str, fn(&Shared, &mut String));

/// The sections in their order.
const SECTIONS: &[Section] = &[
    ("Server", server),
    ("Clients", clients),
    ("Memory", memory),
    ("Persistence", persistence),
    ("Stats", stats),
    ("Replication", topology::replication),
    ("Raft", raft),
    ("Cluster", cluster),
    ("Modules", modules),
    ("Commandstats", commandstats),
    ("Keyspace", keyspace),
];

/// Sections that are shown only when asked for by name, or with `all` or `everything`.
const ON_REQUEST: &[&str] = &["commandstats"];

/// The sections of these names, lower case; of none: the default ones.
pub fn text(shared: &Shared, names: &[String]) -> String {
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
        write(shared, &mut out);
    }
    out
}

fn line(out: &mut String, text: std::fmt::Arguments<'_>) {
    out.write_fmt(text).expect("a string takes any text");
    out.push_str("\r\n");
}

fn server(shared: &Shared, out: &mut String) {
    let config = shared.config.read();
    let uptime = shared.clock.now_ms().saturating_sub(shared.started_ms) / 1000;
    line(out, format_args!("redis_version:{REDIS_VERSION}"));
    line(out, format_args!("server_name:jsonvault"));
    line(out, format_args!("jsonvault_version:{}", env!("CARGO_PKG_VERSION")));
    let mode = if config.cluster_enabled { "cluster" } else { "standalone" };
    line(out, format_args!("redis_mode:{mode}"));
    line(out, format_args!("os:{} {}", std::env::consts::OS, std::env::consts::ARCH));
    line(out, format_args!("arch_bits:{}", usize::BITS));
    line(out, format_args!("process_id:{}", std::process::id()));
    line(out, format_args!("run_id:{}", shared.run_id));
    line(out, format_args!("tcp_port:{}", config.address.rsplit(':').next().unwrap_or_default()));
    line(out, format_args!("server_time_usec:{}", shared.clock.now_ms() * 1000));
    line(out, format_args!("uptime_in_seconds:{uptime}"));
    line(out, format_args!("uptime_in_days:{}", uptime / 86_400));
    line(out, format_args!("executable:{}", shared.executable.display()));
    let file = config.config.as_ref().map_or_else(String::new, |path| path.display().to_string());
    line(out, format_args!("config_file:{file}"));
}

fn clients(shared: &Shared, out: &mut String) {
    line(out, format_args!("connected_clients:{}", get(&shared.stats.connections_open)));
    line(out, format_args!("maxclients:{}", shared.config.read().maxclients));
    line(out, format_args!("blocked_clients:0"));
}

fn memory(_shared: &Shared, out: &mut String) {
    let resident = crate::env::resident_bytes().unwrap_or(0);
    line(out, format_args!("used_memory:{resident}"));
    line(out, format_args!("used_memory_rss:{resident}"));
    line(out, format_args!("used_memory_human:{:.2}M", resident as f64 / f64::from(1 << 20)));
    line(out, format_args!("maxmemory:0"));
    line(out, format_args!("maxmemory_policy:noeviction"));
    line(out, format_args!("mem_allocator:mimalloc"));
}

fn persistence(shared: &Shared, out: &mut String) {
    let status = shared.group.status();
    line(out, format_args!("loading:{}", u8::from(!shared.group.is_loaded())));
    line(out, format_args!("rdb_bgsave_in_progress:{}", u8::from(status.snapshot_running)));
    line(out, format_args!("rdb_last_bgsave_status:{}", if status.snapshot_failed { "err" } else { "ok" }));
    line(out, format_args!("aof_enabled:1"));
    line(out, format_args!("aof_current_size:{}", status.log.bytes));
    line(out, format_args!("aof_last_write_status:{}", if status.log.poisoned { "err" } else { "ok" }));
    line(out, format_args!("log_syncs:{}", status.log.syncs));
    line(out, format_args!("log_writes:{}", status.log.writes));
    line(out, format_args!("log_written_bytes:{}", status.log.written_bytes));
    line(out, format_args!("log_stalled_no_space:{}", u8::from(status.log.stalled)));
}

fn stats(shared: &Shared, out: &mut String) {
    let stats = &shared.stats;
    line(out, format_args!("total_connections_received:{}", get(&stats.connections_received)));
    line(out, format_args!("total_commands_processed:{}", get(&stats.commands_processed)));
    line(out, format_args!("total_net_input_bytes:{}", get(&stats.input_bytes)));
    line(out, format_args!("total_net_output_bytes:{}", get(&stats.output_bytes)));
    line(out, format_args!("rejected_connections:{}", get(&stats.connections_rejected)));
    line(out, format_args!("total_error_replies:{}", get(&stats.error_replies)));
    line(out, format_args!("total_protocol_errors:{}", get(&stats.protocol_errors)));
    line(out, format_args!("pubsub_channels:0"));
}

fn raft(shared: &Shared, out: &mut String) {
    let status = shared.group.status();
    let index = |index: Option<u64>| index.map_or_else(|| "-1".to_string(), |index| index.to_string());
    line(out, format_args!("node_id:{}", status.node_id));
    line(out, format_args!("current_term:{}", status.term));
    line(out, format_args!("is_leader:{}", u8::from(status.is_leader())));
    line(out, format_args!("leader_id:{}", index(status.leader)));
    line(out, format_args!("state:{}", status.state.name()));
    line(out, format_args!("removed:{}", u8::from(status.removed)));
    line(out, format_args!("cluster_id:{}", shared.group.cluster()));
    line(out, format_args!("cluster_size:{}", status.cluster_size));
    line(out, format_args!("last_log_index:{}", index(status.last_log_index)));
    line(out, format_args!("last_applied:{}", index(status.last_applied)));
    line(out, format_args!("commit_index:{}", index(status.commit_index)));
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
        let lag = lag.map_or_else(|| "-1".to_string(), |lag| lag.to_string());
        let member = &known.member;
        line(
            out,
            format_args!(
                "node{}:address={},raft_address={},role={role},lag={lag}",
                known.id, member.client_address, member.raft_address
            ),
        );
    }
}

/// What a Redis exporter takes for its cluster metrics: every field that begins with `cluster_`.
fn cluster(shared: &Shared, out: &mut String) {
    let status = shared.group.status();
    line(out, format_args!("cluster_enabled:{}", u8::from(shared.config.read().cluster_enabled)));
    line(out, format_args!("cluster_raft_term:{}", status.term));
    line(out, format_args!("cluster_raft_commit_index:{}", status.commit_index.unwrap_or(0)));
    line(out, format_args!("cluster_raft_applied_index:{}", status.last_applied.unwrap_or(0)));
    line(out, format_args!("cluster_raft_is_leader:{}", u8::from(status.is_leader())));
    line(out, format_args!("cluster_size:{}", status.cluster_size));
}

fn modules(_shared: &Shared, out: &mut String) {
    line(out, format_args!("module:name=ReJSON,ver=80000,api=1,filters=0,usedby=[],using=[],options=[]"));
}

fn commandstats(shared: &Shared, out: &mut String) {
    for (row, stats) in table::ROWS.iter().zip(&shared.stats.commands) {
        let (calls, rejected) = (get(&stats.calls), get(&stats.rejected));
        if calls + rejected == 0 {
            continue;
        }
        let micros = get(&stats.nanos) / 1000;
        let each = micros as f64 / calls.max(1) as f64;
        line(
            out,
            format_args!(
                "cmdstat_{}:calls={calls},usec={micros},usec_per_call={each:.2},rejected_calls={rejected},failed_calls={}",
                row.spec.name.to_lowercase(),
                get(&stats.failed),
            ),
        );
    }
}

fn keyspace(shared: &Shared, out: &mut String) {
    let keys = shared.keyspace.len();
    if keys > 0 {
        line(out, format_args!("db0:keys={keys},expires={},avg_ttl=0", shared.keyspace.deadlines()));
    }
}
