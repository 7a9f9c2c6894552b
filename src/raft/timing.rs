//! The durations of elections, leases and heartbeats, and the relations between them.

use std::time::Duration;

/// Interval of the heartbeats that a leader sends while it has nothing else to send.
pub const HEARTBEAT_MS: u64 = 60;
/// Lower end of the election timeout: several heartbeats, so that a lost or late one does not
/// depose a leader.
pub const ELECTION_TIMEOUT_MS_MIN: u64 = 200;
/// Upper end of the election timeout. A follower first waits for this time, during which it honours
/// the leader's lease, and then for a random time between [`ELECTION_TIMEOUT_MS_MIN`] and this: a
/// dead leader is replaced within 0.6 to 0.9 s.
pub const ELECTION_TIMEOUT_MS_MAX: u64 = 400;

/// How long a restarted node grants no vote: a leader that heard from the node before the restart
/// may still rely on its lease.
pub const VOTE_HOLDOFF: Duration = Duration::from_millis(ELECTION_TIMEOUT_MS_MIN);

/// How long a leader relies on the last replies of a majority. A follower refuses other candidates
/// for [`ELECTION_TIMEOUT_MS_MAX`] after it heard from its leader. A restarted follower has
/// forgotten when that was; it waits for [`VOTE_HOLDOFF`] before it votes and for
/// [`ELECTION_TIMEOUT_MS_MIN`] before it starts an election. The lease is a fifth shorter than
/// both, as a margin for clocks of different speeds.
pub const LEASE: Duration = Duration::from_millis(ELECTION_TIMEOUT_MS_MIN * 8 / 10);

const _: () = assert!(ELECTION_TIMEOUT_MS_MIN >= 3 * HEARTBEAT_MS);
const _: () = assert!(ELECTION_TIMEOUT_MS_MAX > ELECTION_TIMEOUT_MS_MIN);
const _: () = assert!(LEASE.as_millis() < VOTE_HOLDOFF.as_millis());
const _: () = assert!(LEASE.as_millis() < ELECTION_TIMEOUT_MS_MIN as u128);
