//! The operator, who adds a node to the cluster during the faults, and repeats the request until
//! the node votes; later removes it again, empties its disk, and adds it anew.

use jsonvault::peer::Change;
use jsonvault::raft::Role;
use jsonvault::random::Random;

use crate::host::Host;

/// Pause between two attempts.
const PAUSE_MS_MIN: u64 = 300;
const PAUSE_MS_MAX: u64 = 1_500;
/// One in this many times, a node that votes is removed.
const REMOVED_ONE_IN: u64 = 4;

pub struct Operator {
    random: Random,
    next_ms: u64,
    /// The number of nodes that formed the cluster; the one after them joins.
    initial_members: usize,
    removing: bool,
}

impl Operator {
    pub fn new(initial_members: usize, mut random: Random) -> Operator {
        let next_ms = random.below(6_000);
        Operator { random, next_ms, initial_members, removing: false }
    }

    /// Whether the node is being removed, so that no disk may be changed.
    pub fn is_removing(&self) -> bool {
        self.removing
    }

    /// Asks a random node, when it is time, to add the node that is no voter yet, or to remove it if
    /// `may_remove`.
    pub fn step(&mut self, now_ms: u64, may_remove: bool, hosts: &mut [Host], trace: &mut Vec<String>) {
        if hosts.len() <= self.initial_members || now_ms < self.next_ms {
            return;
        }
        self.next_ms = now_ms + PAUSE_MS_MIN + self.random.below(PAUSE_MS_MAX);
        let (initial, joiners) = hosts.split_at_mut(self.initial_members);
        let joiner = &mut joiners[0];
        let status = joiner.group().map(|(group, _)| group.status());
        if self.removing && is_removed(joiner, initial) {
            self.removing = false;
            trace.push(format!("n{} was removed, and begins with an empty disk", joiner.id()));
            joiner.crash(false);
            joiner.lose_disk();
            return joiner.start();
        }
        let votes = status.is_some_and(|status| status.role != Role::Learner);
        let begins = votes && may_remove && self.random.one_in(REMOVED_ONE_IN);
        self.removing |= begins;
        let asked = &initial[self.random.below(self.initial_members as u64) as usize];
        let Some((group, _)) = asked.group() else { return };
        let (id, member) = (joiner.id(), joiner.member());
        let change = match (self.removing, votes) {
            (true, _) => Change::Remove { id, force: false },
            (false, false) => Change::Add { id, member },
            (false, true) => return,
        };
        let what = if self.removing { "remove" } else { "add" };
        trace.push(format!("n{} is asked to {what} n{id}", asked.id()));
        // The reply does not matter: what counts is whether the node becomes a voter, or leaves.
        asked.spawn(async move { drop(group.change(change).await) });
    }
}

/// Whether the leader has applied a membership without the node.
fn is_removed(joiner: &Host, initial: &[Host]) -> bool {
    let statuses = initial.iter().filter_map(|host| Some(host.group()?.0.status()));
    let mut led = statuses.filter(|status| status.is_leader());
    let lists =
        |members: &[jsonvault::raft::MemberStatus]| members.iter().any(|member| member.id == joiner.id());
    joiner.is_running()
        && led.any(|status| status.last_applied == status.last_log_index && !lists(&status.members))
}
