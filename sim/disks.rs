//! Removes disks of nodes, and restores older copies of them.
//!
//! A cluster survives the loss of one disk at a time. Another disk is therefore changed only when
//! the node with the last changed disk votes again and all nodes have applied the membership that
//! includes it.

use crate::host::{DiskCopy, Host};

pub struct Disks {
    copies: Vec<Option<DiskCopy>>,
    changed: Option<Changed>,
}

/// A node whose disk was changed, and that does not vote again yet.
struct Changed {
    host: usize,
    /// For a restored copy: its incarnation, and the index that the other nodes had applied then.
    /// The node has detected the loss once it has another incarnation, or has all those entries.
    copy: Option<(u64, u64)>,
    /// The last index of the leader's log when the node was first seen to vote again.
    votes_at: Option<u64>,
}

impl Disks {
    pub fn new(hosts: usize) -> Disks {
        Disks { copies: (0..hosts).map(|_| None).collect(), changed: None }
    }

    /// Whether a disk may be changed now.
    pub fn may_change(&self, hosts: &[Host]) -> bool {
        self.changed.is_none() && hosts.iter().any(Host::leads)
    }

    /// Whether other faults have to wait. A node with an older copy still has to ask the others
    /// what it had acknowledged, and the members that remember it must not fail before that.
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
        self.changed = Some(Changed { host: host.index, copy: None, votes_at: None });
    }

    pub fn put_back(&mut self, hosts: &mut [Host], host: usize) {
        let applied = |host: &Host| host.group().and_then(|(group, _)| group.status().last_applied);
        let furthest = hosts.iter().filter_map(applied).max().unwrap_or(0);
        let copy = self.copies[host].take().expect("a copy is restored only if there is one");
        hosts[host].restore_disk(&copy);
        self.changed =
            Some(Changed { host, copy: Some((hosts[host].incarnation(), furthest)), votes_at: None });
    }

    /// Checks whether the node with the changed disk votes again.
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
