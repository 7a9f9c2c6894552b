//! Disks that are lost, rot or forget, and older copies that are restored.
//!
//! A cluster survives the loss of one disk at a time. The next disk is therefore changed only when
//! the node of the last one votes again, and all nodes have applied the membership with it.

use std::path::Path;

use jsonvault::env::Disk;
use jsonvault::random::Random;

use crate::host::{DiskCopy, Host, LOG};

const SNAPSHOTS: &str = "/data/group-0/snapshots";

pub struct Disks {
    copies: Vec<Option<DiskCopy>>,
    changed: Option<Changed>,
}

/// A node whose disk was changed, and that does not vote again yet.
struct Changed {
    host: usize,
    /// For a node that came back without something that it had: its incarnation, and the highest
    /// index that any node had applied. It is `None` once the node has another incarnation or has
    /// applied that index: until then, the node may not know of its loss.
    copy: Option<(u64, u64)>,
    /// Whether the disk may be unreadable, so that the node needs another.
    damaged: bool,
    /// The end of the leader's log when the node was first seen to vote again.
    votes_at: Option<u64>,
}

impl Disks {
    pub fn new(hosts: usize) -> Disks {
        Disks { copies: (0..hosts).map(|_| None).collect(), changed: None }
    }

    /// Whether a disk may be changed now.
    pub fn may_change(&self, hosts: &[Host]) -> bool {
        hosts.len() > 1 && self.changed.is_none() && hosts.iter().any(Host::leads)
    }

    pub fn has_changed(&self) -> bool {
        self.changed.is_some()
    }

    pub fn is_damaged(&self, host: usize) -> bool {
        self.changed.as_ref().is_some_and(|changed| changed.host == host && changed.damaged)
    }

    /// Whether no other fault may happen: a node that came back without something that it had may
    /// not know of its loss yet, and the members that know of it must not fail before.
    pub fn suspends_faults(&self) -> bool {
        self.changed.as_ref().is_some_and(|changed| changed.copy.is_some())
    }

    pub fn has_copy(&self, host: usize) -> bool {
        self.copies[host].is_some()
    }

    /// Copies the disk of a node that is down.
    pub fn copy(&mut self, host: &Host) {
        self.copies[host.index] = Some(host.copy_disk());
    }

    pub fn lose(&mut self, host: &mut Host) {
        host.lose_disk();
        self.copies[host.index] = None;
        self.changed = Some(Changed { host: host.index, copy: None, damaged: false, votes_at: None });
    }

    pub fn put_back(&mut self, hosts: &mut [Host], host: usize) {
        let copy = self.copies[host].take().expect("a copy is restored only if there is one");
        hosts[host].restore_disk(&copy);
        self.damage(hosts, host, false);
    }

    /// Notes that a node comes back without something that it had. `damaged`: its disk may be
    /// unreadable.
    pub fn damage(&mut self, hosts: &[Host], host: usize, damaged: bool) {
        let applied = |host: &Host| host.group().and_then(|(group, _)| group.status().last_applied);
        let furthest = hosts.iter().filter_map(applied).max().unwrap_or(0);
        let copy = Some((hosts[host].incarnation(), furthest));
        self.changed = Some(Changed { host, copy, damaged, votes_at: None });
    }

    /// Flips a bit in a file of a node that is down. Returns what was done.
    pub fn rot(&mut self, hosts: &[Host], host: usize, random: &mut Random) -> String {
        self.damage(hosts, host, true);
        let disk = &hosts[host].disk;
        let dir = Path::new(if random.one_in(2) { LOG } else { SNAPSHOTS });
        let names = disk.list(dir).unwrap_or_default();
        if names.is_empty() {
            return format!("there is nothing in {}", dir.display());
        }
        let path = dir.join(&names[random.below(names.len() as u64) as usize]);
        let bytes = disk.contents(&path).unwrap_or_default();
        // Records are at the beginning of a segment: most of it may be zeros.
        let used = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
        if used > 0 {
            let at = random.below(used as u64) as usize;
            disk.overwrite(&path, at, &[bytes[at] ^ 1 << random.below(8)]);
            return format!("a bit at {at} of {} flips", path.display());
        }
        format!("{} is empty", path.display())
    }

    /// Checks whether the node whose disk was changed votes again.
    pub fn look(&mut self, hosts: &[Host], trace: &mut Vec<String>) {
        let Some(changed) = &mut self.changed else { return };
        let host = &hosts[changed.host];
        let applied = host.group().and_then(|(group, _)| group.status().last_applied);
        let noticed = |(copy, furthest)| copy != host.incarnation() || applied >= Some(furthest);
        if changed.copy.is_some_and(noticed) {
            changed.copy = None;
        }
        let statuses = || hosts.iter().filter_map(|host| Some(host.group()?.0.status()));
        let back = |member: &jsonvault::raft::MemberStatus| {
            member.id == host.id() && member.voter && member.member.incarnation == host.incarnation()
        };
        if changed.votes_at.is_none() {
            let leader = statuses().find(|status| status.is_leader() && status.members.iter().any(back));
            changed.votes_at = leader.and_then(|status| status.last_log_index);
        }
        let applied = |index: u64| statuses().filter(|status| status.last_applied >= Some(index)).count();
        if changed.votes_at.is_some_and(|index| applied(index) == hosts.len()) {
            trace.push(format!("n{} votes again, with its new disk", host.id()));
            self.changed = None;
        }
    }
}
