//! The choice of a fault, and its beginning.

use std::io::ErrorKind;

use jsonvault::peer::Change;
use jsonvault::testkit::Op;

use super::{Bridge, DOWN_MS_MAX, Faults, STORMY, Scene};
use crate::faults::CALM;
use crate::host::Host;

/// Most operations of a disk before its power is cut or one fails: the fault then happens within an
/// append, a roll-over, a snapshot, a purge or an install.
const OPERATIONS_MAX: u64 = 40;
/// The largest errors of a wall clock; the last is that of a wrong time zone.
const WRONG_BY_MS: [u64; 3] = [500, 5_000, 3_600_000];
/// How long work on a slow disk takes at most; the last is longer than an election timeout.
const SLOW_MS: [u64; 3] = [50, 300, 1_000];
/// The most room on a disk that is about to be full: for some entries, or a few of the smallest
/// segments.
const ROOM_BYTES_MAX: u64 = 30_000;

impl Faults {
    pub(super) fn begin(&mut self, scene: &mut Scene<'_>) {
        let hosts = scene.hosts.len() as u64;
        let one = self.random.below(hosts) as usize;
        // The only node is its own neighbour.
        let other = (one + 1 + self.random.below(hosts.max(2) - 1) as usize) % hosts as usize;
        if self.wrong_clocks && self.random.one_in(3) {
            return self.set_clock(scene, one);
        }
        match self.random.below(24) {
            0..2 => self.crash_if_it_may(scene, one, "at once"),
            2..5 => self.cut_power(scene, one),
            5..7 => (0..scene.hosts.len()).for_each(|at| self.crash_if_it_may(scene, at, "with all others")),
            7..10 if hosts > 1 => self.cut(scene, one, other),
            10 => {
                scene.note(format!("connections between n{} and n{} break", one + 1, other + 1));
                scene.network.break_connections(one, other);
            }
            11 => self.fail_disk(scene, one),
            12..14 => self.hand_over(scene, one, other),
            14..16 => {
                let for_ms = self.random.below(DOWN_MS_MAX);
                scene.note(format!("n{} is suspended for {for_ms} ms", one + 1));
                scene.hosts[one].pause(for_ms);
            }
            16..18 => self.slow_disk(scene, one),
            18 => self.fill_disk(scene, one),
            19 if hosts > 1 => self.begin_flapping(scene, one, other),
            20 if hosts > 2 => self.split(scene),
            21..23 if hosts > 2 => self.restart_the_bridge(scene),
            _ => {
                scene.note("the network becomes slow".to_string());
                scene.network.set_delays(STORMY);
                self.calm_ms = Some(scene.now_ms + self.random.below(DOWN_MS_MAX));
            }
        }
    }

    fn set_clock(&mut self, scene: &mut Scene<'_>, one: usize) {
        let by_ms = WRONG_BY_MS[self.random.below(WRONG_BY_MS.len() as u64) as usize];
        let ahead_ms = self.random.below(2 * by_ms + 1) as i64 - by_ms as i64;
        scene.note(format!("n{}'s wall clock is set {ahead_ms} ms ahead", one + 1));
        scene.hosts[one].set_time_of_day(ahead_ms);
    }

    /// Crashes a node unless its disk lies: what such a disk forgets is a fault of its own.
    fn crash_if_it_may(&mut self, scene: &mut Scene<'_>, at: usize, how: &str) {
        if !scene.hosts[at].lies {
            self.crash(scene, at, how);
        }
    }

    fn cut_power(&mut self, scene: &mut Scene<'_>, one: usize) {
        let operations = self.random.below(OPERATIONS_MAX);
        let host = &scene.hosts[one];
        if host.is_running() && !host.lies {
            host.disk.cut_power_after(operations);
            scene.note(format!("n{} loses power after {operations} changes", one + 1));
        }
    }

    fn fail_disk(&mut self, scene: &mut Scene<'_>, one: usize) {
        let op = [Op::Write, Op::Sync, Op::SyncDir, Op::Rename][self.random.below(4) as usize];
        let after = self.random.below(OPERATIONS_MAX);
        let host = &scene.hosts[one];
        if host.is_running() && !host.lies {
            host.disk.fail(op, after, ErrorKind::Other);
            self.failing[one] = true;
            scene.note(format!("n{} fails at {op:?} after {after}", one + 1));
        }
    }

    fn slow_disk(&mut self, scene: &mut Scene<'_>, one: usize) {
        let longest_ms = SLOW_MS[self.random.below(SLOW_MS.len() as u64) as usize];
        scene.note(format!("work on the disk of n{} takes up to {longest_ms} ms", one + 1));
        scene.hosts[one].slow_disk(longest_ms);
        self.usual_ms[one] = Some(scene.now_ms + self.random.below(DOWN_MS_MAX));
    }

    fn fill_disk(&mut self, scene: &mut Scene<'_>, one: usize) {
        let host = &scene.hosts[one];
        if host.is_running() {
            let room = self.random.below(ROOM_BYTES_MAX);
            host.disk.set_capacity(Some(host.disk.used() + room));
            scene.note(format!("the disk of n{} has room for {room} bytes", one + 1));
            self.usual_ms[one] = Some(scene.now_ms + self.random.below(DOWN_MS_MAX));
        }
    }

    fn hand_over(&mut self, scene: &mut Scene<'_>, one: usize, other: usize) {
        scene.note(format!("n{} is asked to hand over leadership", one + 1));
        let to = self.random.one_in(2).then(|| scene.hosts[other].id());
        if let Some((group, _)) = scene.hosts[one].group() {
            scene.hosts[one].spawn(async move { drop(group.change(Change::Transfer { to }).await) });
        }
    }

    /// Plans a bridge, during which clients are quiet. The leader is cut from one node for long
    /// enough that this node wants to lead. Other nodes, which both reach, restart and are then cut
    /// from the leader too. What they have forgotten may let them elect another leader while the
    /// first still trusts its lease.
    fn restart_the_bridge(&mut self, scene: &mut Scene<'_>) {
        let Some(leader) = scene.hosts.iter().position(Host::leads) else { return };
        let hosts = scene.hosts.len();
        let apart = (leader + 1 + self.random.below(hosts as u64 - 1) as usize) % hosts;
        // As many as make a majority with the node that is apart, if there are so many whose disk
        // does not lie.
        let others = (0..hosts).filter(|at| ![leader, apart].contains(at) && !scene.hosts[*at].lies);
        let bridges: Vec<usize> = others.take(hosts / 2).collect();
        scene.network.heal();
        let shown: Vec<u64> = bridges.iter().map(|at| scene.hosts[*at].id()).collect();
        scene.note(format!("n{} and n{} will be apart, and n{shown:?} restart", leader + 1, apart + 1));
        // Time for both to get the same entries.
        let apart_ms = scene.now_ms + 150;
        let restart_ms = apart_ms + 600 + self.random.below(1_000);
        // Time for a restarted node to ask the leader what the node had acknowledged before.
        let cut_ms = restart_ms + 12 + self.random.below(15);
        self.heal_ms = Some(cut_ms + 500 + self.random.below(DOWN_MS_MAX));
        self.bridge = Some(Bridge { leader, apart, bridges, due_ms: [apart_ms, restart_ms, cut_ms] });
    }

    /// Cuts and restarts the nodes of a bridge when that is due.
    pub(super) fn cross(&mut self, scene: &mut Scene<'_>) {
        let Some(Bridge { leader, apart, bridges, due_ms }) = self.bridge.clone() else { return };
        let mut cut = |other: usize| {
            scene.trace.push(format!("n{} and n{} are apart", leader + 1, other + 1));
            scene.network.set_cut(leader, other, true);
            scene.network.set_cut(other, leader, true);
        };
        match due_ms.iter().position(|due| *due == scene.now_ms) {
            Some(0) => cut(apart),
            Some(1) => {
                for bridge in bridges {
                    self.crash(scene, bridge, "and is back at once");
                    self.restart_ms[bridge].iter_mut().for_each(|due| *due = scene.now_ms + 1);
                }
            }
            Some(2) => {
                bridges.into_iter().for_each(cut);
                self.bridge = None;
            }
            _ => {}
        }
    }

    /// Copies or removes a node's disk, restores an older copy of it, flips a bit, or cuts the
    /// power of the disk that lies. The next disk has to wait until this node votes again. Where
    /// the node forgets something, it must not be the leader, which has to remember what the node
    /// had acknowledged.
    pub(super) fn change_disk(&mut self, scene: &mut Scene<'_>) {
        let mut one = self.random.below(scene.hosts.len() as u64) as usize;
        let mut what = self.random.below(4);
        let copied = (0..scene.hosts.len()).find(|at| self.disks.has_copy(*at));
        match (what, copied, scene.hosts.iter().position(|host| host.lies)) {
            (0, Some(at), _) => (what, one) = (4, at),
            (2 | 3, _, Some(at)) => (what, one) = (5, at),
            _ => {}
        }
        if !scene.hosts[one].is_running() || !self.disks.may_change(scene.hosts) {
            return;
        }
        let remembered = !scene.hosts[one].leads() && scene.hosts.iter().any(Host::leads);
        match what {
            0 if !scene.hosts[one].lies => {
                self.crash(scene, one, "for a copy of its disk");
                self.disks.copy(&scene.hosts[one]);
            }
            1 => {
                self.crash(scene, one, "and loses its disk");
                self.disks.lose(&mut scene.hosts[one]);
            }
            2 | 3 if remembered => {
                self.forget(scene, one, "and a bit of its disk rots");
                let rotten = self.disks.rot(scene.hosts, one, &mut self.random);
                scene.note(rotten);
            }
            4 if remembered => {
                self.forget(scene, one, "and gets an older copy of its disk");
                self.disks.put_back(scene.hosts, one);
            }
            5 if remembered => {
                self.forget(scene, one, "with the disk that lies");
                self.disks.damage(scene.hosts, one, true);
            }
            _ => {}
        }
    }

    /// Ends the faults of the network, and crashes a node, which comes back at once without a part
    /// of what it had.
    fn forget(&mut self, scene: &mut Scene<'_>, one: usize, how: &str) {
        scene.network.heal();
        scene.network.set_delays(CALM);
        (self.heal_ms, self.flapping, self.bridge) = (None, None, None);
        self.crash(scene, one, how);
        self.restart_ms[one] = Some(scene.now_ms + 1);
        self.forgetful.push(scene.hosts[one].id());
    }
}
