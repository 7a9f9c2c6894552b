//! The faults: one seed chooses their times, and for each what it is.
//!
//! Invariants:
//! * each fault draws from a seed of its own, so that leaving one out changes no other's choices;
//! * at most one disk at a time lacks what its node has promised ([`disks`]);
//! * a disk that lies loses its power only when a cluster can bear it.

mod begin;
mod disks;
mod network;

use std::collections::BTreeSet;

use jsonvault::random::Random;

use crate::host::Host;
use crate::net::{Delays, Network};
use disks::Disks;
use network::Flapping;

/// When the first fault is due: usually a leader has been elected by then.
const FIRST_MS: u64 = 1_500;
/// Longest pause between two faults.
const PAUSE_MS_MAX: u64 = 900;
/// Longest duration of a crash or a cut.
const DOWN_MS_MAX: u64 = 2_500;
/// One in this many faults concerns a whole disk.
const DISKS_ONE_IN: u64 = 5;

pub const CALM: Delays = Delays { usual_ms: 2, late_one_in: 50, late_ms: 20 };
const STORMY: Delays = Delays { usual_ms: 30, late_one_in: 5, late_ms: 400 };

/// When a fault happens, and the seed of its choices.
#[derive(Clone, Copy, Debug)]
struct Due {
    at_ms: u64,
    seed: u64,
}

/// What faults act on.
pub struct Scene<'a> {
    pub now_ms: u64,
    pub hosts: &'a mut [Host],
    pub network: &'a Network,
    pub trace: &'a mut Vec<String>,
}

impl Scene<'_> {
    fn note(&mut self, line: String) {
        self.trace.push(line);
    }
}

/// A leader, a node `apart` that will want to lead, and the `bridges`, which both of them reach.
/// `due_ms`: when the first two are cut from each other, when the bridges restart, and when the
/// bridges are cut from the leader.
#[derive(Clone, Debug)]
struct Bridge {
    leader: usize,
    apart: usize,
    bridges: Vec<usize>,
    due_ms: [u64; 3],
}

pub struct Faults {
    due: Vec<Due>,
    /// The numbers of the faults that happen; all if `None`.
    only: Option<BTreeSet<usize>>,
    next: usize,
    random: Random,
    heal_ms: Option<u64>,
    calm_ms: Option<u64>,
    flapping: Option<Flapping>,
    bridge: Option<Bridge>,
    restart_ms: Vec<Option<u64>>,
    /// When a node's disk is fast again, or has room again.
    usual_ms: Vec<Option<u64>>,
    /// The hosts whose disk was set to fail, so that the node has to stop.
    failing: Vec<bool>,
    disks: Disks,
    /// Whether wall clocks are set wrong, again and again.
    wrong_clocks: bool,
    /// Whether nodes may fail for any reason, and are restarted.
    may_fail: bool,
    /// The nodes whose disk no longer has what they had promised to keep.
    forgetful: Vec<u64>,
}

impl Faults {
    /// Faults until `until_ms`. `may_fail`: a planted bug may stop nodes.
    pub fn new(hosts: usize, until_ms: u64, may_fail: bool, mut random: Random) -> Faults {
        let wrong_clocks = random.one_in(2);
        let mut at_ms = FIRST_MS;
        let mut due = Vec::new();
        while at_ms < until_ms {
            due.push(Due { at_ms, seed: random.next_u64() });
            at_ms += 1 + random.below(PAUSE_MS_MAX);
        }
        Faults {
            due,
            only: None,
            next: 0,
            random,
            heal_ms: None,
            calm_ms: None,
            flapping: None,
            bridge: None,
            restart_ms: vec![None; hosts],
            usual_ms: vec![None; hosts],
            failing: vec![false; hosts],
            disks: Disks::new(hosts),
            wrong_clocks,
            may_fail,
            forgetful: Vec::new(),
        }
    }

    /// Leaves out all faults but these.
    pub fn keep_only(&mut self, faults: BTreeSet<usize>) {
        self.only = Some(faults);
    }

    /// How many faults have been due so far, whether they happened or not.
    pub fn begun(&self) -> usize {
        self.next
    }

    /// Triggers the faults that are due. `steady`: the operator is removing no member, so that a
    /// disk may be changed.
    pub fn step(&mut self, scene: &mut Scene<'_>, steady: bool) {
        self.end_expired_faults(scene);
        self.cross(scene);
        self.disks.look(scene.hosts, scene.trace);
        while let Some(due) = self.due.get(self.next).copied().filter(|due| due.at_ms <= scene.now_ms) {
            let number = self.next;
            self.next += 1;
            if self.only.as_ref().is_some_and(|only| !only.contains(&number)) {
                continue;
            }
            self.random = Random::seeded(due.seed);
            scene.note(format!("fault {number}"));
            if self.bridge.is_some() {
                scene.note("the bridge comes first".to_string());
            } else if self.random.one_in(DISKS_ONE_IN) {
                if steady {
                    self.change_disk(scene);
                }
            } else if !self.disks.suspends_faults() {
                self.begin(scene);
            }
        }
    }

    /// Whether a node's disk was changed, and the node does not vote again yet.
    pub fn has_changed_a_disk(&self) -> bool {
        self.disks.has_changed()
    }

    /// Whether clients begin nothing now.
    pub fn keeps_clients_quiet(&self) -> bool {
        self.bridge.is_some()
    }

    /// The nodes that were made to forget since the last call.
    pub fn take_forgetful(&mut self) -> Vec<u64> {
        std::mem::take(&mut self.forgetful)
    }

    /// Takes down the nodes whose disk lost its power as requested, and those that failed because
    /// of their disk or a planted bug. A node whose disk is damaged gets another one.
    pub fn crash_failed_hosts(&mut self, scene: &mut Scene<'_>) {
        for at in 0..scene.hosts.len() {
            let host = &scene.hosts[at];
            if host.is_running() && host.disk.is_off() {
                self.crash(scene, at, "during a change of its disk");
                continue;
            }
            if host.failure().is_none() {
                continue;
            }
            if self.disks.is_damaged(at) {
                let reason = host.failure().unwrap_or_default();
                self.crash(scene, at, &format!("and gets a new disk, because of {reason}"));
                self.disks.lose(&mut scene.hosts[at]);
            } else if self.failing[at] || self.may_fail {
                self.crash(scene, at, "because it failed");
            }
        }
    }

    /// Ends all faults for the rest of the run.
    pub fn end(&mut self, scene: &mut Scene<'_>) {
        scene.note("all faults end".to_string());
        scene.network.heal();
        scene.network.set_delays(CALM);
        (self.heal_ms, self.calm_ms, self.flapping, self.bridge) = (None, None, None, None);
        self.next = self.due.len();
        for host in scene.hosts.iter_mut() {
            host.pause(0);
            host.slow_disk(0);
            host.disk.set_capacity(None);
            match host.is_running() {
                true => host.disk.trust(),
                false => host.start(),
            }
        }
        self.restart_ms.fill(None);
    }

    /// After the faults have ended: restarts the nodes that are down.
    pub fn restart_stopped(&mut self, scene: &mut Scene<'_>) {
        self.disks.look(scene.hosts, scene.trace);
        scene.hosts.iter_mut().filter(|host| !host.is_running()).for_each(Host::start);
    }

    fn end_expired_faults(&mut self, scene: &mut Scene<'_>) {
        let is_over = |due: &Option<u64>| due.is_some_and(|due| due <= scene.now_ms);
        if is_over(&self.heal_ms) {
            self.heal_ms = None;
            scene.trace.push("the network heals".to_string());
            scene.network.heal();
        }
        if is_over(&self.calm_ms) {
            self.calm_ms = None;
            scene.trace.push("the network calms down".to_string());
            scene.network.set_delays(CALM);
        }
        self.flap(scene.now_ms, scene.network, scene.trace);
        let nodes = scene.hosts.iter_mut().zip(self.restart_ms.iter_mut().zip(&mut self.usual_ms));
        for (host, (restart, usual)) in nodes {
            if is_over(usual) {
                *usual = None;
                scene.trace.push(format!("the disk of n{} is as usual", host.id()));
                host.slow_disk(0);
                host.disk.set_capacity(None);
            }
            if is_over(restart) {
                *restart = None;
                scene.trace.push(format!("n{} starts", host.id()));
                host.start();
            }
        }
    }

    fn crash(&mut self, scene: &mut Scene<'_>, at: usize, how: &str) {
        let host = &mut scene.hosts[at];
        if !host.is_running() {
            return;
        }
        let silent = self.random.one_in(2);
        scene.trace.push(format!("n{} crashes {how}{}", host.id(), if silent { ", in silence" } else { "" }));
        host.disk.set_capacity(None);
        host.crash(silent);
        self.failing[at] = false;
        // Sometimes the node restarts before any other has noticed.
        let most = if self.random.one_in(2) { 60 } else { DOWN_MS_MAX };
        self.restart_ms[at] = Some(scene.now_ms + 1 + self.random.below(most));
    }
}
