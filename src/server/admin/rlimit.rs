//! How many clients the system's limit of open files leaves room for.
//!
//! Invariant: there is room for one client at least, and never for more than were wanted.

use crate::config::Config;
use crate::env::raise_file_limit;

/// Files that are no client's: 512 connections from other nodes at most (`peer::service`), and with
/// room to spare those to other nodes, the segments of the log, snapshots, listeners and what the
/// runtime has.
const FILES_KEPT: u64 = 640;

/// How many of the `wanted` clients there is room for in `limit` open files. Where there are very
/// few, they and everything else get half of them each.
fn fitting(limit: u64, wanted: usize) -> usize {
    let left = limit.saturating_sub(FILES_KEPT).max(limit / 2);
    let fitting = usize::try_from(left).unwrap_or(usize::MAX).min(wanted).max(1);
    assert!(fitting <= wanted.max(1), "nobody gets more than was wanted");
    fitting
}

/// Has the system allow so many clients; how many it does allow.
fn make_room(wanted: usize) -> usize {
    match raise_file_limit(wanted as u64 + FILES_KEPT) {
        Some(limit) => fitting(limit, wanted),
        None => wanted,
    }
}

/// The settings of a node that starts, with as many clients as there can be.
pub fn fitted(config: Config) -> Config {
    let (wanted, maxclients) = (config.maxclients, make_room(config.maxclients));
    if maxclients < wanted {
        tracing::warn!(wanted, maxclients, "the system does not allow so many open files (ulimit -n)");
    }
    config.with_clients(maxclients)
}

/// Has the system allow so many clients from now on; whether it does.
pub fn can_serve(clients: usize) -> bool {
    make_room(clients) == clients
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_files_are_shared_and_of_many_some_are_kept() {
        assert_eq!(fitting(1, 10_000), 1);
        assert_eq!(fitting(700, 10_000), 350);
        assert_eq!(fitting(1279, 10_000), 639);
        assert_eq!(fitting(1280, 10_000), 640);
        assert_eq!(fitting(10_640, 10_000), 10_000);
        assert_eq!(fitting(10_639, 10_000), 9_999);
        assert_eq!(fitting(u64::MAX, 7), 7);
    }
}
