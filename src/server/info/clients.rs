//! `INFO clients`.

use super::line;
use crate::server::shared::Shared;
use crate::server::stats::get;

pub fn clients(shared: &Shared, out: &mut String) {
    line(out, format_args!("connected_clients:{}", get(&shared.stats.connections_open)));
    // Members talk over Raft's connections, which are no links of a cluster bus.
    line(out, format_args!("cluster_connections:0"));
    line(out, format_args!("maxclients:{}", shared.config.read().maxclients));
    line(out, format_args!("blocked_clients:{}", get(&shared.stats.clients_blocked)));
    line(out, format_args!("tracking_clients:0"));
    line(out, format_args!("pubsub_clients:0"));
    line(out, format_args!("watching_clients:0"));
    line(out, format_args!("clients_in_timeout_table:0"));
}
