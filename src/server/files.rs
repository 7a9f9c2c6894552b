//! How many clients the system's limit of open files leaves room for.

use crate::config::Config;
use crate::env::raise_file_limit;

/// Files that are no client's: connections from other nodes and to them, segments of the log, snapshots.
const FILES_KEPT: u64 = 640;

/// Has the system allow so many clients, and says how many it does.
fn allow(clients: usize) -> usize {
    let wanted = clients as u64 + FILES_KEPT;
    match raise_file_limit(wanted) {
        Some(limit) if limit < wanted => {
            // With very few, both sides have to get some.
            let left = limit.saturating_sub(FILES_KEPT).max(limit / 2).max(1);
            usize::try_from(left).unwrap_or(usize::MAX).min(clients)
        }
        _ => clients,
    }
}

/// The settings of a node that starts, with as many clients as there can be.
pub fn fitted(config: Config) -> Config {
    let maxclients = allow(config.maxclients);
    if maxclients < config.maxclients {
        let wanted = config.maxclients;
        tracing::warn!(wanted, maxclients, "the system does not allow so many open files (ulimit -n)");
    }
    Config { maxclients, ..config }
}

/// Whether there can be so many clients from now on.
pub fn has_room_for(clients: usize) -> bool {
    allow(clients) == clients
}
