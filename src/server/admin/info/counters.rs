//! `INFO clients`, `stats`, `commandstats`, `latencystats` and `errorstats`: counters and
//! measurements.

use std::sync::atomic::Ordering;

use super::text::line;
use crate::command::Channel;
use crate::command::called;
use crate::server::state::ServerState;
use crate::server::stats::counters::{CommandStats, get};
use crate::server::stats::histogram::percentile;

/// Redis' default percentiles.
const PERCENTILES: [(&str, f64); 3] = [("p50", 50.0), ("p99", 99.0), ("p99.9", 99.9)];

pub fn clients(state: &ServerState, out: &mut String) {
    line(out, format_args!("connected_clients:{}", get(&state.stats.counters.connections_open)));
    // Members use Raft's connections, which are not links of a cluster bus.
    line(out, format_args!("cluster_connections:0"));
    line(out, format_args!("maxclients:{}", state.config.read().maxclients));
    let [input, output] = state.stats.samples.buffer_peaks(&state.stats.counters);
    line(out, format_args!("client_recent_max_input_buffer:{input}"));
    line(out, format_args!("client_recent_max_output_buffer:{output}"));
    line(out, format_args!("blocked_clients:{}", get(&state.stats.counters.clients_blocked)));
    let client_counts = state.pubsub.client_counts();
    line(out, format_args!("tracking_clients:{}", client_counts.tracking));
    line(out, format_args!("pubsub_clients:{}", client_counts.listening));
    line(out, format_args!("watching_clients:{}", client_counts.watching));
    line(out, format_args!("clients_in_timeout_table:0"));
    line(out, format_args!("total_watched_keys:{}", client_counts.watched_keys));
    // No command of this server blocks on a key.
    line(out, format_args!("total_blocking_keys:0"));
    line(out, format_args!("total_blocking_keys_on_nokey:0"));
}

pub fn stats(state: &ServerState, out: &mut String) {
    let stats = &state.stats.counters;
    let rates = state.stats.samples.per_second();
    line(out, format_args!("total_connections_received:{}", get(&stats.connections_received)));
    line(out, format_args!("total_commands_processed:{}", get(&stats.commands_processed)));
    line(out, format_args!("instantaneous_ops_per_sec:{:.0}", rates.commands));
    line(out, format_args!("total_net_input_bytes:{}", get(&stats.input_bytes)));
    line(out, format_args!("total_net_output_bytes:{}", get(&stats.output_bytes)));
    line(out, format_args!("instantaneous_input_kbps:{:.2}", rates.input_bytes / 1024.0));
    line(out, format_args!("instantaneous_output_kbps:{:.2}", rates.output_bytes / 1024.0));
    line(out, format_args!("rejected_connections:{}", get(&stats.connections_rejected)));
    let (hits, misses) = state.keyspace.lookups().counted();
    let tracked = state.pubsub.tracked();
    line(out, format_args!("expired_keys:{}", state.keyspace.expired()));
    line(out, format_args!("expired_stale_perc:{:.2}", 100.0 * stale_share(state)));
    line(out, format_args!("expired_time_cap_reached_count:0"));
    line(out, format_args!("evicted_keys:0"));
    line(out, format_args!("evicted_clients:0"));
    line(out, format_args!("keyspace_hits:{hits}"));
    line(out, format_args!("keyspace_misses:{misses}"));
    line(out, format_args!("latest_fork_usec:0"));
    line(out, format_args!("total_forks:0"));
    line(out, format_args!("tracking_total_keys:{}", tracked.keys));
    line(out, format_args!("tracking_total_items:{}", tracked.items));
    line(out, format_args!("tracking_total_prefixes:{}", tracked.prefixes));
    // In Redis, the commands that fail while they are replicated. Here followers apply the log, and
    // no such failure exists.
    line(out, format_args!("unexpected_error_replies:0"));
    line(out, format_args!("total_error_replies:{}", get(&stats.error_replies)));
    line(out, format_args!("total_protocol_errors:{}", get(&stats.protocol_errors)));
    line(out, format_args!("total_reads_processed:{}", get(&stats.reads)));
    line(out, format_args!("total_writes_processed:{}", get(&stats.writes)));
    line(out, format_args!("acl_access_denied_auth:{}", get(&stats.refused_auth)));
    line(out, format_args!("acl_access_denied_cmd:{}", get(&stats.refused_commands)));
    line(out, format_args!("acl_access_denied_key:{}", get(&stats.refused_keys)));
    line(out, format_args!("acl_access_denied_channel:{}", get(&stats.refused_channels)));
    line(out, format_args!("pubsub_channels:{}", state.pubsub.names(Channel::Plain)));
    line(out, format_args!("pubsub_patterns:{}", state.pubsub.names(Channel::Pattern)));
}

/// Number of keys with a deadline that are sampled to estimate the share of expired ones.
const KEYS_SAMPLED: usize = 10_000;

fn stale_share(state: &ServerState) -> f64 {
    // Each sample starts at another shard, because the keys of one shard may be of similar age.
    let first_shard = state.clock.now_ms() as usize;
    state.keyspace.stale_share(first_shard, KEYS_SAMPLED, state.group.now_ms())
}

/// The commands that were called or refused, with their counters.
fn called_commands(state: &ServerState) -> impl Iterator<Item = (&'static str, &CommandStats)> {
    let all = called::all().iter().map(|called| called.name.as_str()).zip(&state.stats.counters.commands);
    all.filter(|(_, stats)| get(&stats.calls) + get(&stats.rejected) > 0)
}

pub fn commandstats(state: &ServerState, out: &mut String) {
    for (name, stats) in called_commands(state) {
        let (calls, micros) = (get(&stats.calls), get(&stats.nanos) / 1000);
        line(
            out,
            format_args!(
                "cmdstat_{name}:calls={calls},usec={micros},usec_per_call={:.2},rejected_calls={},failed_calls={}",
                micros as f64 / calls.max(1) as f64,
                get(&stats.rejected),
                get(&stats.failed),
            ),
        );
    }
}

/// Percentiles are bounds of histogram buckets, at most 3.2 percent above the exact value.
pub fn latencystats(state: &ServerState, out: &mut String) {
    if !state.stats.counters.tracks_latency.load(Ordering::Relaxed) {
        return;
    }
    for (name, stats) in called_commands(state) {
        let cumulative = stats.durations.cumulative();
        if !cumulative.is_empty() {
            let one = |(name, percent)| format!("{name}={:.3}", percentile(&cumulative, percent) as f64);
            line(out, format_args!("latency_percentiles_usec_{name}:{}", PERCENTILES.map(one).join(",")));
        }
    }
}

pub fn errorstats(state: &ServerState, out: &mut String) {
    for (code, count) in state.stats.counters.errors.all() {
        line(out, format_args!("errorstat_{code}:count={count}"));
    }
}
