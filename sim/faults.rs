//! The faults of a run. One seed chooses crashes, cuts and delays, and their times.

use std::io::ErrorKind;

use jsonvault::peer::Change;
use jsonvault::random::Random;
use jsonvault::testkit::Op;

use crate::disks::Disks;
use crate::host::Host;
use crate::net::{Delays, Network};

/// Maximum pause between two faults.
const PAUSE_MS_MAX: u64 = 900;
/// Maximum duration of a crash or a cut.
const DOWN_MS_MAX: u64 = 2_500;
/// Maximum number of disk changes before a power cut, so that the cut happens during an append, a
/// change of segments or a snapshot.
const OPERATIONS_MAX: u64 = 40;
/// One of this many faults changes a whole disk.
const DISKS_ONE_IN: u64 = 8;
/// Errors of a wall clock, up to that of a wrong time zone.
const WRONG_BY_MS: [u64; 3] = [500, 5_000, 3_600_000];

pub const CALM: Delays = Delays { usual_ms: 2, late_one_in: 50, late_ms: 20 };
const STORMY: Delays = Delays { usual_ms: 30, late_one_in: 5, late_ms: 400 };

pub struct Faults {
    random: Random,
    next_ms: u64,
    heal_ms: Option<u64>,
    calm_ms: Option<u64>,
    restart_ms: Vec<Option<u64>>,
    /// For each host, whether its disk was set to fail, so that its node has to stop.
    failing: Vec<bool>,
    disks: Disks,
    /// Whether the run sets wall clocks wrong, repeatedly.
    wrong_clocks: bool,
    /// Whether nodes may fail, and are then restarted.
    may_fail: bool,
}

impl Faults {
    pub fn new(hosts: usize, may_fail: bool, mut random: Random) -> Faults {
        let wrong_clocks = random.one_in(2);
        // The first fault comes after the first election.
        Faults {
            random,
            next_ms: 1_500,
            heal_ms: None,
            calm_ms: None,
            restart_ms: vec![None; hosts],
            failing: vec![false; hosts],
            disks: Disks::new(hosts),
            wrong_clocks,
            may_fail,
        }
    }

    /// Triggers the faults that are due.
    pub fn step(&mut self, now_ms: u64, hosts: &mut [Host], network: &Network, trace: &mut Vec<String>) {
        self.end_expired_faults(now_ms, hosts, network, trace);
        self.disks.look(hosts, trace);
        if now_ms >= self.next_ms {
            self.next_ms = now_ms + 1 + self.random.below(PAUSE_MS_MAX);
            if self.random.one_in(DISKS_ONE_IN) {
                self.change_disk(now_ms, hosts, network, trace);
            } else if !self.disks.suspends_faults() {
                self.begin(now_ms, hosts, network, trace);
            }
        }
    }

    /// Takes down the nodes whose power was cut during a disk change, and those that stopped
    /// because their disk failed.
    pub fn crash_failed_hosts(&mut self, now_ms: u64, hosts: &mut [Host], trace: &mut Vec<String>) {
        for host in hosts {
            if host.is_running() && host.disk.is_off() {
                self.crash(now_ms, host, "during a change of its disk", trace);
            }
            if (self.failing[host.index] || self.may_fail) && host.failure().is_some() {
                self.crash(now_ms, host, "because it failed", trace);
            }
        }
    }

    /// Ends all faults for the rest of the run.
    pub fn end(&mut self, hosts: &mut [Host], network: &Network, trace: &mut Vec<String>) {
        trace.push("all faults end".to_string());
        network.heal();
        network.set_delays(CALM);
        for host in hosts {
            host.pause(0);
            match host.is_running() {
                true => host.disk.trust(),
                false => host.start(),
            }
        }
    }

    fn end_expired_faults(
        &mut self,
        now_ms: u64,
        hosts: &mut [Host],
        network: &Network,
        trace: &mut Vec<String>,
    ) {
        if self.heal_ms.is_some_and(|due| due <= now_ms) {
            self.heal_ms = None;
            trace.push("the network heals".to_string());
            network.heal();
        }
        if self.calm_ms.is_some_and(|due| due <= now_ms) {
            self.calm_ms = None;
            trace.push("the network calms down".to_string());
            network.set_delays(CALM);
        }
        for (host, due) in hosts.iter_mut().zip(&mut self.restart_ms) {
            if due.is_some_and(|due| due <= now_ms) {
                *due = None;
                trace.push(format!("n{} starts", host.id()));
                host.start();
            }
        }
    }

    fn begin(&mut self, now_ms: u64, hosts: &mut [Host], network: &Network, trace: &mut Vec<String>) {
        let one = self.random.below(hosts.len() as u64) as usize;
        let other = (one + 1 + self.random.below(hosts.len() as u64 - 1) as usize) % hosts.len();
        if self.wrong_clocks && self.random.one_in(3) {
            let by_ms = WRONG_BY_MS[self.random.below(WRONG_BY_MS.len() as u64) as usize];
            let ahead_ms = self.random.below(2 * by_ms + 1) as i64 - by_ms as i64;
            trace.push(format!("n{}'s wall clock is set {ahead_ms} ms ahead", hosts[one].id()));
            return hosts[one].set_time_of_day(ahead_ms);
        }
        match self.random.below(17) {
            12 => {
                let op = [Op::Write, Op::Sync, Op::SyncDir, Op::Rename][self.random.below(4) as usize];
                let after = self.random.below(OPERATIONS_MAX);
                if hosts[one].is_running() {
                    trace.push(format!("n{} fails at {op:?} after {after}", hosts[one].id()));
                    hosts[one].disk.fail(op, after, ErrorKind::Other);
                    self.failing[one] = true;
                }
            }
            15..17 => {
                let for_ms = self.random.below(DOWN_MS_MAX);
                trace.push(format!("n{} is suspended for {for_ms} ms", hosts[one].id()));
                hosts[one].pause(for_ms);
            }
            13..15 => {
                trace.push(format!("n{} is asked to hand over leadership", hosts[one].id()));
                let to = self.random.one_in(2).then(|| hosts[other].id());
                if let Some((group, _)) = hosts[one].group() {
                    hosts[one].spawn(async move { drop(group.change(Change::Transfer { to }).await) });
                }
            }
            0..2 => self.crash(now_ms, &mut hosts[one], "at once", trace),
            2..5 => {
                let operations = self.random.below(OPERATIONS_MAX);
                if hosts[one].is_running() {
                    trace.push(format!("n{} loses power after {operations} changes", hosts[one].id()));
                    hosts[one].disk.cut_power_after(operations);
                }
            }
            5..7 => {
                hosts.iter_mut().for_each(|host| self.crash(now_ms, host, "with all others", trace));
            }
            7..10 => self.cut(now_ms, one, other, hosts.len(), network, trace),
            10 => {
                trace.push(format!("connections between n{} and n{} break", one + 1, other + 1));
                network.break_connections(one, other);
            }
            _ => {
                trace.push("the network becomes slow".to_string());
                network.set_delays(STORMY);
                self.calm_ms = Some(now_ms + self.random.below(DOWN_MS_MAX));
            }
        }
    }

    /// Removes the disk of a node or restores an older copy of it. Only one node is changed at a
    /// time. A copy is restored only while a leader is up, because the leader remembers what the
    /// node had acknowledged.
    fn change_disk(&mut self, now_ms: u64, hosts: &mut [Host], network: &Network, trace: &mut Vec<String>) {
        let one = self.random.below(hosts.len() as u64) as usize;
        if !hosts[one].is_running() || !self.disks.may_change(hosts) {
            return;
        }
        match self.random.below(3) {
            0 => {
                self.crash(now_ms, &mut hosts[one], "for a copy of its disk", trace);
                self.disks.copy(&hosts[one]);
            }
            1 => {
                self.crash(now_ms, &mut hosts[one], "and loses its disk", trace);
                self.disks.lose(&mut hosts[one]);
            }
            _ if self.disks.has_copy(one) && !hosts[one].leads() && hosts.iter().any(Host::leads) => {
                network.heal();
                self.heal_ms = None;
                network.set_delays(CALM);
                self.crash(now_ms, &mut hosts[one], "and gets an older copy of its disk", trace);
                self.disks.put_back(hosts, one);
                self.restart_ms[one] = Some(now_ms + 1);
            }
            _ => {}
        }
    }

    fn crash(&mut self, now_ms: u64, host: &mut Host, how: &str, trace: &mut Vec<String>) {
        if host.is_running() {
            let silent = self.random.one_in(2);
            trace.push(format!("n{} crashes {how}{}", host.id(), if silent { ", in silence" } else { "" }));
            host.crash(silent);
            self.failing[host.index] = false;
            // Half of the crashes are so short that the node restarts before any other has noticed.
            let most = if self.random.one_in(2) { 60 } else { DOWN_MS_MAX };
            self.restart_ms[host.index] = Some(now_ms + 1 + self.random.below(most));
        }
    }

    fn cut(
        &mut self,
        now_ms: u64,
        one: usize,
        other: usize,
        hosts: usize,
        network: &Network,
        trace: &mut Vec<String>,
    ) {
        network.heal();
        let ways = self.random.below(6);
        let what = [
            "receives from no node",
            "is received by no node",
            "is alone",
            "does not reach another",
            "and another are apart",
            "has only one other to talk to",
        ];
        trace.push(format!("n{} {} (n{})", one + 1, what[ways as usize], other + 1));
        let meant = |host: usize| match ways {
            0..3 => true,
            3..5 => host == other,
            _ => host != other,
        };
        for host in (0..hosts).filter(|host| *host != one && meant(*host)) {
            network.set_cut(host, one, matches!(ways, 0 | 2 | 4 | 5));
            network.set_cut(one, host, matches!(ways, 1..=5));
        }
        self.heal_ms = Some(now_ms + self.random.below(DOWN_MS_MAX));
    }
}
