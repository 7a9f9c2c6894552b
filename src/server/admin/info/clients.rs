//! `INFO clients`.

use super::text::line;
use crate::server::state::ServerState;
use crate::server::stats::counters::get;

pub fn clients(state: &ServerState, out: &mut String) {
    line(out, format_args!("connected_clients:{}", get(&state.stats.counters.connections_open)));
    // Members talk over Raft's connections, which are no links of a cluster bus.
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
    // No command waits for a key.
    line(out, format_args!("total_blocking_keys:0"));
    line(out, format_args!("total_blocking_keys_on_nokey:0"));
}
