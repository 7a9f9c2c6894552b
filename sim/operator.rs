//! The operator adds a node to the cluster during the faults, and repeats the request until the
//! node votes. Later the operator may remove the node, empty its disk, and add it again. Any other
//! node that learns that it was removed also gets an empty disk and joins again.

use jsonvault::peer::Change;
use jsonvault::raft::{Role, Status};
use jsonvault::random::Random;

use crate::host::Host;

/// The shortest pause between two attempts.
const PAUSE_MS_MIN: u64 = 300;
/// How much longer a pause may be.
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

    /// Whether the node that joined is being removed, so that no disk may be changed.
    pub fn is_removing(&self) -> bool {
        self.removing
    }

    /// When it is time, lets a node that was removed join again. Otherwise asks a random node to
    /// add a node that is no voter yet or, if `may_remove`, to remove the one that joined.
    pub fn step(&mut self, now_ms: u64, may_remove: bool, hosts: &mut [Host], trace: &mut Vec<String>) {
        if now_ms < self.next_ms {
            return;
        }
        self.next_ms = now_ms + PAUSE_MS_MIN + self.random.below(PAUSE_MS_MAX);
        let out = match self.removing {
            true => Some(self.initial_members).filter(|at| is_out(*at, hosts)),
            // A node that lost its disk leaves the cluster and enters it again. If it restarts in
            // between, it may learn that it was removed.
            false => hosts.iter().position(|host| status(host).is_some_and(|status| status.removed)),
        };
        if let Some(at) = out {
            self.removing = false;
            trace.push(format!("n{} was removed, and joins anew with an empty disk", hosts[at].id()));
            return hosts[at].join_anew();
        }
        let votes = |host: &Host| status(host).is_some_and(|status| status.role != Role::Learner);
        let wants = hosts.iter().position(|host| host.joins && !votes(host));
        let has_joined = wants.is_none() && hosts.len() > self.initial_members;
        self.removing |= has_joined && may_remove && self.random.one_in(REMOVED_ONE_IN);
        let concerned = if self.removing { Some(self.initial_members) } else { wants };
        let Some(at) = concerned else { return };
        let asked = &hosts[self.random.below(hosts.len() as u64) as usize];
        let (id, member) = (hosts[at].id(), hosts[at].member());
        let Some((group, _)) = asked.group().filter(|_| asked.index != at) else { return };
        let what = if self.removing { "remove" } else { "add" };
        trace.push(format!("n{} is asked to {what} n{id}", asked.id()));
        let change = match self.removing {
            true => Change::Remove { id, force: false },
            false => Change::Add { id, member },
        };
        // The reply does not matter: what counts is whether the node becomes a voter, or leaves.
        asked.spawn(async move { drop(group.change(change).await) });
    }
}

fn status(host: &Host) -> Option<Status> {
    host.group().map(|(group, _)| group.status())
}

/// Whether a node runs, and a leader that has applied its whole log does not list it as a member.
fn is_out(at: usize, hosts: &[Host]) -> bool {
    let (joiner, id) = (&hosts[at], hosts[at].id());
    let mut led = hosts.iter().filter_map(status).filter(Status::is_leader);
    let lists = |status: &Status| status.members.iter().any(|member| member.id == id);
    joiner.is_running() && led.any(|status| status.last_applied == status.last_log_index && !lists(&status))
}
