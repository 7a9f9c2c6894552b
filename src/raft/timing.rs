//! The times that elections, leases and heartbeats go by, and how they relate.

use std::time::Duration;

/// A leader sends a heartbeat this often when it has nothing else to send.
pub const HEARTBEAT_MS: u64 = 60;
/// A follower that hears nothing for so long stands for election: several heartbeats, so that one
/// that is lost or late does not unseat a leader.
pub const ELECTION_TIMEOUT_MS_MIN: u64 = 200;
/// A follower first waits for so long, in which it owes the leader its lease, and then for a time
/// from [`ELECTION_TIMEOUT_MS_MIN`] to this: a leader that died is replaced within 0.6 to 0.9 s.
pub const ELECTION_TIMEOUT_MS_MAX: u64 = 400;

/// How long a node that starts anew votes for nobody. A leader that had heard from it may still
/// trust its lease.
pub const VOTE_HOLDOFF: Duration = Duration::from_millis(ELECTION_TIMEOUT_MS_MIN);

/// How long a leader's word counts without a question. A follower refuses another leader for
/// [`ELECTION_TIMEOUT_MS_MAX`] after it heard from it; one that starts anew has forgotten that, and
/// waits for [`VOTE_HOLDOFF`] before it votes and for [`ELECTION_TIMEOUT_MS_MIN`] before it stands.
/// The rest is room for clocks of different speeds.
pub const LEASE: Duration = Duration::from_millis(ELECTION_TIMEOUT_MS_MIN * 8 / 10);

const _: () = assert!(ELECTION_TIMEOUT_MS_MIN >= 3 * HEARTBEAT_MS);
const _: () = assert!(ELECTION_TIMEOUT_MS_MAX > ELECTION_TIMEOUT_MS_MIN);
const _: () = assert!(LEASE.as_millis() < VOTE_HOLDOFF.as_millis());
const _: () = assert!(LEASE.as_millis() < ELECTION_TIMEOUT_MS_MIN as u128);
