//! The cluster's time as this node knows it. It alone decides whether a deadline has passed.
//!
//! The leader sets the time: it stamps each entry, each append or heartbeat, and each reply to a
//! read. Between two of these, followers advance it by their own monotonic clocks. The wall clock
//! is used in two cases only: by a starting node until another node has sent it the time, and by
//! the leader, which lets the cluster's time drift towards its wall clock.
//! (`docs/decisions/0011-time-comes-from-the-log.md` explains what this guarantees, and what it
//! cannot.)
//!
//! Invariants:
//! * while a node leads, the time that [`GroupTime::leading`] returns never goes back, and is never
//!   before the newest applied stamp;
//! * a new leader continues from the latest time that any voter of its majority knows: a majority
//!   received an append before any reply that depends on its time was sent;
//! * a node that knows only its wall clock reports no time to others.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;

use super::timing::ELECTION_TIMEOUT_MS_MIN;
use crate::env::Clock;
use crate::keyspace::Keyspace;

/// A leader lets the cluster's time run faster or slower by one part in this many until it agrees
/// with its wall clock: a deadline of an hour is then 3.6 s off, and a difference of one second is
/// corrected in 17 minutes.
const DRIFT: u32 = 1000;

/// If a leader's time is at most this far behind the time that a node has issued, the node holds
/// its time until the leader's catches up: messages take time. A leader's time further behind is
/// adopted, because it means that the cluster has lost its knowledge of the time.
const ISSUED_LEAD: Duration = Duration::from_secs(1);

/// A node that led within this time is no candidate: it would first have to miss a leader for the
/// shortest election timeout. A leader acts at least at every heartbeat.
const LED_LATELY: Duration = Duration::from_millis(ELECTION_TIMEOUT_MS_MIN);

/// A warning is logged once this node's wall clock differs from the cluster's time by more than
/// this.
const SKEW_WARNED_BEYOND: Duration = Duration::from_secs(5);

/// One node's knowledge of the time.
pub struct GroupTime {
    clock: Arc<dyn Clock>,
    keyspace: Arc<Keyspace>,
    known: Mutex<Known>,
}

#[derive(Debug)]
struct Known {
    /// The cluster's time, since 1970, at the moment when the monotonic clock showed `at`.
    base: Duration,
    at: Duration,
    /// Whether `base` comes from another node or this node leads; otherwise `base` is this node's
    /// wall clock.
    heard: bool,
    /// The term of the leader that was heard last, and the latest time that it sent.
    term: u64,
    latest: Duration,
    /// The latest time that this node has issued to reads.
    issued: Duration,
    /// When this node last acted as the leader.
    led_at: Option<Duration>,
    /// Whether the warning about a wall clock far from the cluster's time has been logged.
    warned: bool,
}

impl Known {
    fn set(&mut self, base: Duration, at: Duration) {
        (self.base, self.at) = (base, at);
    }

    /// Adopts the time that another node sent.
    fn adopt(&mut self, time: Duration, now: Duration) {
        self.set(time, now);
        if !self.heard || self.issued > time + ISSUED_LEAD {
            self.issued = time;
        }
        self.heard = true;
    }

    /// The cluster's time at the moment when the monotonic clock shows `now`.
    fn extrapolate(&self, now: Duration) -> Duration {
        self.base + now.saturating_sub(self.at)
    }
}

impl GroupTime {
    /// The knowledge of a starting node: its wall clock, or the newest stamp that it has applied if
    /// that is later.
    pub fn new(clock: Arc<dyn Clock>, keyspace: Arc<Keyspace>) -> GroupTime {
        let (base, at) = (Duration::from_millis(clock.now_ms()), clock.elapsed());
        let known = Known {
            base,
            at,
            heard: false,
            term: 0,
            latest: Duration::ZERO,
            issued: Duration::ZERO,
            led_at: None,
            warned: false,
        };
        GroupTime { clock, keyspace, known: Mutex::new(known) }
    }

    /// The time for this node's actions as the leader, in unix milliseconds. Call it only on a node
    /// that leads.
    pub fn leading(&self) -> u64 {
        let mut known = self.known.lock();
        let now = self.clock.elapsed();
        let time = self.estimate(&mut known, now);
        let time = self.drifted(time, now.saturating_sub(known.at)).max(known.issued);
        known.set(time, now);
        (known.heard, known.issued, known.led_at) = (true, time, Some(now));
        millis(time)
    }

    /// The time as this node knows it, in unix milliseconds, for reads without a barrier.
    pub fn now_ms(&self) -> u64 {
        let mut known = self.known.lock();
        known.issued = self.estimate(&mut known, self.clock.elapsed()).max(known.issued);
        millis(known.issued)
    }

    /// Records the time that the leader of `term` sent with an append that this node accepted.
    pub fn heard(&self, term: u64, time_ms: u64) {
        let mut known = self.known.lock();
        let time = Duration::from_millis(time_ms);
        // A message that was delayed on another connection: a later one has been recorded already.
        if known.heard && (term < known.term || term == known.term && time < known.latest) {
            return;
        }
        known.adopt(time, self.clock.elapsed());
        (known.term, known.latest, known.led_at) = (term, time, None);
        self.check_wall_clock(&mut known);
    }

    /// The time for this node's reply to a candidate; `None` if it knows only its wall clock.
    pub fn time_for_candidate(&self) -> Option<u64> {
        let mut known = self.known.lock();
        known.heard.then(|| millis(self.estimate(&mut known, self.clock.elapsed()).max(known.issued)))
    }

    /// Records the time in a voter's reply to this node's request for a vote. A reply that arrives
    /// after this node was elected changes nothing: with a later time, the deadlines that this node
    /// has set since would come too early.
    pub fn voter_said(&self, time_ms: Option<u64>) {
        let Some(time_ms) = time_ms else { return };
        let mut known = self.known.lock();
        let (time, now) = (Duration::from_millis(time_ms), self.clock.elapsed());
        if known.led_at.is_some_and(|led_at| now.saturating_sub(led_at) < LED_LATELY) {
            return;
        }
        if !known.heard || self.estimate(&mut known, now) < time {
            known.adopt(time, now);
        }
    }

    /// How far this node's wall clock is ahead of the cluster's time, in milliseconds.
    pub fn wall_ahead_ms(&self) -> i64 {
        let mut known = self.known.lock();
        let time = self.estimate(&mut known, self.clock.elapsed());
        difference_ms(self.clock.now_ms(), millis(time))
    }

    fn estimate(&self, known: &mut Known, now: Duration) -> Duration {
        let applied = Duration::from_millis(self.keyspace.time_ms());
        if known.extrapolate(now) < applied {
            known.set(applied, now);
        }
        known.extrapolate(now)
    }

    /// The time after `passed`, with the drift towards this node's wall clock.
    fn drifted(&self, time: Duration, passed: Duration) -> Duration {
        let wall = Duration::from_millis(self.clock.now_ms());
        let most = passed / DRIFT;
        match wall > time {
            true => time + most.min(wall - time),
            false => time - most.min(time - wall),
        }
    }

    fn check_wall_clock(&self, known: &mut Known) {
        let ahead_ms = difference_ms(self.clock.now_ms(), millis(known.base));
        let skewed = u128::from(ahead_ms.unsigned_abs()) > SKEW_WARNED_BEYOND.as_millis();
        if skewed && !known.warned {
            tracing::warn!(ahead_ms, "this node's clock differs from the leader's, by which keys expire");
        }
        known.warned = skewed;
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

fn difference_ms(left: u64, right: u64) -> i64 {
    i64::try_from(i128::from(left) - i128::from(right)).unwrap_or(if left > right {
        i64::MAX
    } else {
        i64::MIN
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testkit::ManualClock;

    const HOUR_MS: u64 = 3_600_000;
    const NOON_MS: u64 = 1_750_000_000_000;

    struct TimedNode {
        clock: Arc<ManualClock>,
        time: GroupTime,
    }

    /// A node that starts when its wall clock shows `unix_ms`.
    fn node(unix_ms: u64) -> TimedNode {
        let clock = Arc::new(ManualClock::at_ms(unix_ms));
        TimedNode { time: GroupTime::new(clock.clone(), Arc::new(Keyspace::new())), clock }
    }

    fn pass(nodes: &[&TimedNode], ms: u64) {
        nodes.iter().for_each(|node| node.clock.advance(Duration::from_millis(ms)));
    }

    #[test]
    fn a_leader_continues_by_its_monotonic_clock_when_its_wall_clock_jumps() {
        let leader = node(NOON_MS);
        assert_eq!(leader.time.leading(), NOON_MS);
        for wall in [NOON_MS + HOUR_MS, NOON_MS - HOUR_MS] {
            let before = leader.time.leading();
            leader.clock.set_ms(wall);
            pass(&[&leader], 10_000);
            let (after, drift) = (leader.time.leading(), 10_000 / u64::from(DRIFT));
            assert!(
                after.abs_diff(before + 10_000) <= drift,
                "the time continues by the monotonic clock: {before}, then {after}"
            );
            assert_ne!(after, before + 10_000, "the time drifts towards the wall clock");
        }
    }

    #[test]
    fn the_drift_ends_at_the_wall_clock() {
        let leader = node(NOON_MS);
        leader.time.leading();
        leader.clock.set_ms(NOON_MS + 5);
        (0..20).for_each(|_| {
            pass(&[&leader], 1_000);
            leader.time.leading();
        });
        assert_eq!(leader.time.leading(), leader.clock.now_ms());
        assert_eq!(leader.time.wall_ahead_ms(), 0);
    }

    #[test]
    fn a_follower_advances_the_leaders_time_whatever_its_own_wall_clock() {
        let (leader, follower) = (node(NOON_MS), node(NOON_MS + HOUR_MS));
        assert_eq!(follower.time.now_ms(), NOON_MS + HOUR_MS);
        assert_eq!(follower.time.time_for_candidate(), None, "a wall clock is not the cluster's time");
        follower.time.heard(1, leader.time.leading());
        pass(&[&leader, &follower], 500);
        follower.clock.set_ms(5);
        assert_eq!(follower.time.now_ms(), leader.time.leading());
        assert_eq!(follower.time.time_for_candidate(), Some(NOON_MS + 500));
    }

    #[test]
    fn a_late_message_changes_nothing_and_a_new_leaders_does() {
        let follower = node(NOON_MS);
        follower.time.heard(3, NOON_MS + 100);
        follower.time.heard(3, NOON_MS + 40);
        follower.time.heard(2, NOON_MS + 900);
        assert_eq!(follower.time.now_ms(), NOON_MS + 100);
        follower.time.heard(4, NOON_MS + 99);
        assert_eq!(follower.time.now_ms(), NOON_MS + 100, "an issued time is held for a moment");
        pass(&[&follower], 2);
        assert_eq!(follower.time.now_ms(), NOON_MS + 101);
        follower.time.heard(5, NOON_MS - HOUR_MS);
        assert_eq!(follower.time.now_ms(), NOON_MS - HOUR_MS, "an issued time is not held beyond that");
    }

    #[test]
    fn a_new_leader_continues_from_what_its_voters_know() {
        let started = node(NOON_MS + HOUR_MS);
        assert_eq!(started.time.now_ms(), NOON_MS + HOUR_MS);
        started.time.voter_said(None);
        started.time.voter_said(Some(NOON_MS));
        started.time.voter_said(Some(NOON_MS - 1));
        assert_eq!(started.time.leading(), NOON_MS, "a follower's wall clock does not count");
        let voter = node(NOON_MS - HOUR_MS);
        voter.time.heard(1, NOON_MS);
        voter.time.voter_said(Some(NOON_MS + 7));
        assert_eq!(voter.time.leading(), NOON_MS + 7);
    }

    #[test]
    fn a_reply_that_comes_after_the_election_does_not_change_the_leaders_time() {
        let leader = node(NOON_MS);
        assert_eq!(leader.time.leading(), NOON_MS);
        leader.time.voter_said(Some(NOON_MS + 400));
        assert_eq!(leader.time.leading(), NOON_MS, "a late reply must not bring deadlines forward");
        pass(&[&leader], 1_000);
        leader.time.voter_said(Some(NOON_MS + 5_000));
        assert_eq!(leader.time.leading(), NOON_MS + 5_000, "it is a candidate again");
        leader.time.heard(9, NOON_MS + 6_000);
        leader.time.voter_said(Some(NOON_MS + 7_000));
        assert_eq!(leader.time.leading(), NOON_MS + 7_000, "it was deposed, and stands for election");
    }

    #[test]
    fn a_start_takes_the_newest_stamp_if_the_wall_clock_is_before_it() {
        let (behind, ahead) = (node(NOON_MS), node(NOON_MS + HOUR_MS));
        for node in [&behind, &ahead] {
            node.time.keyspace.advance_time(NOON_MS + 1_000);
        }
        assert_eq!((behind.time.leading(), ahead.time.leading()), (NOON_MS + 1_000, NOON_MS + HOUR_MS));
        pass(&[&behind], 50);
        let (after, drifted) = (behind.time.leading(), NOON_MS + 1_049);
        assert_eq!(
            after, drifted,
            "the new leader continues from the voters' time, a little slower because its wall clock is behind"
        );
    }
}
