//! An operator, who adds a node to the cluster during the faults, and repeats the request until the
//! node votes.

use jsonvault::peer::Change;
use jsonvault::raft::Role;
use jsonvault::random::Random;

use crate::host::Host;
use crate::run::INITIAL_MEMBERS;

/// Minimum pause between two attempts.
const PAUSE_MS_MIN: u64 = 300;
const PAUSE_MS_MAX: u64 = 1_500;

pub struct Operator {
    random: Random,
    next_ms: u64,
}

impl Operator {
    pub fn new(mut random: Random) -> Operator {
        let next_ms = random.below(6_000);
        Operator { random, next_ms }
    }

    /// When an attempt is due, asks a random node to add the node that does not vote yet.
    pub fn step(&mut self, now_ms: u64, hosts: &[Host], trace: &mut Vec<String>) {
        let Some(joiner) = hosts.get(INITIAL_MEMBERS) else { return };
        if now_ms < self.next_ms {
            return;
        }
        self.next_ms = now_ms + PAUSE_MS_MIN + self.random.below(PAUSE_MS_MAX);
        let votes = joiner.group().is_some_and(|(group, _)| group.status().role != Role::Learner);
        let asked = &hosts[self.random.below(INITIAL_MEMBERS as u64) as usize];
        if let (false, Some((group, _))) = (votes, asked.group()) {
            trace.push(format!("n{} is asked to add n{}", asked.id(), joiner.id()));
            let change = Change::Add { id: joiner.id(), member: joiner.member() };
            // The reply is ignored: the operator stops only when the node votes.
            asked.spawn(async move { drop(group.change(change).await) });
        }
    }
}
