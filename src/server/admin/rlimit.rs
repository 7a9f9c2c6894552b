//! Determines how many clients the system's limit on open files allows.
//!
//! Invariant: the result is at least one client, and never more than wanted.

use crate::config::Config;
use crate::env::raise_file_limit;

/// Number of files reserved for everything except clients: at most 512 connections from other nodes
/// (`peer::service`), and enough for connections to other nodes, segments of the log, snapshots,
/// listeners and the runtime.
const FILES_RESERVED: u64 = 640;

/// How many of the `wanted` clients fit into `limit` open files. If the limit is very low, clients
/// get half of the files.
fn fitting(limit: u64, wanted: usize) -> usize {
    let left = limit.saturating_sub(FILES_RESERVED).max(limit / 2);
    let fitting = usize::try_from(left).unwrap_or(usize::MAX).min(wanted).max(1);
    assert!(fitting <= wanted.max(1), "at most the wanted number of clients");
    fitting
}

/// Raises the system's limit for `wanted` clients. Returns how many clients the limit then allows;
/// `wanted` if the system has no limit.
fn make_room(wanted: usize) -> usize {
    match raise_file_limit(wanted as u64 + FILES_RESERVED) {
        Some(limit) => fitting(limit, wanted),
        None => wanted,
    }
}

/// The settings for a starting node, with `maxclients` lowered to the number that the system
/// allows.
pub fn fitted(config: Config) -> Config {
    let (wanted, maxclients) = (config.maxclients, make_room(config.maxclients));
    if maxclients < wanted {
        tracing::warn!(
            wanted,
            maxclients,
            "maxclients is lowered: the system does not allow enough open files (ulimit -n)"
        );
    }
    config.with_clients(maxclients)
}

/// Raises the system's limit for this number of clients. Returns whether the system allows that.
pub fn can_serve(clients: usize) -> bool {
    make_room(clients) == clients
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clients_get_half_of_few_files_and_all_but_the_reserved_of_many() {
        assert_eq!(fitting(1, 10_000), 1);
        assert_eq!(fitting(700, 10_000), 350);
        assert_eq!(fitting(1279, 10_000), 639);
        assert_eq!(fitting(1280, 10_000), 640);
        assert_eq!(fitting(10_640, 10_000), 10_000);
        assert_eq!(fitting(10_639, 10_000), 9_999);
        assert_eq!(fitting(u64::MAX, 7), 7);
    }
}
