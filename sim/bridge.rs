//! Five nodes of which the old leader reaches one: the other four have a majority, and need that one for it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use jsonvault::random::Random;

use crate::client::perform;
use crate::faults::CALM;
use crate::history::{Operation, Outcome};
use crate::host::{Host, Settings};
use crate::net::Network;

const NODES: usize = 5;
/// The first leader is there within this, and another after a cut: some elections.
const ELECTED_WITHIN_MS: u64 = 5_000;

struct Five {
    now_ms: u64,
    shared_now: Arc<AtomicU64>,
    network: Network,
    hosts: Vec<Host>,
}

impl Five {
    fn started(seed: u64) -> Five {
        let mut random = Random::seeded(seed);
        let mut stream = || Random::seeded(random.next_u64());
        let network = Network::new(NODES, CALM, stream().next_u64());
        let shared_now = Arc::new(AtomicU64::new(0));
        let settings = Settings {
            initial_members: NODES,
            segment_bytes: 128 << 10,
            inline_bytes_max: 64 << 10,
            cache_bytes_max: 1 << 20,
            snapshot_log_bytes: 1 << 30,
            snapshot_log_entries: 1 << 20,
            lying_disk: false,
        };
        let host = |index| Host::new(index, settings.clone(), shared_now.clone(), network.clone(), stream());
        let mut hosts: Vec<Host> = (0..NODES).map(host).collect();
        hosts.iter_mut().for_each(Host::start);
        Five { now_ms: 0, shared_now, network, hosts }
    }

    /// Lets time pass until something is so.
    fn until<T>(&mut self, what: &str, within_ms: u64, mut is_so: impl FnMut(&[Host]) -> Option<T>) -> T {
        let end = self.now_ms + within_ms;
        while self.now_ms < end {
            self.now_ms += 1;
            self.shared_now.store(self.now_ms, Ordering::Relaxed);
            self.network.advance(self.now_ms);
            self.hosts.iter_mut().for_each(Host::step);
            if let Some(found) = is_so(&self.hosts) {
                return found;
            }
        }
        panic!("not within {within_ms} ms: {what}");
    }

    /// Whether a write to this node is acknowledged.
    fn write(&mut self, host: usize, number: u64) -> bool {
        let (group, keyspace) = self.hosts[host].group().expect("the node is up");
        let answer = perform(&self.hosts[host], group, keyspace, 0, Operation::Append(number), 0);
        let outcome = self.until("an answer", 10_000, |_| answer.lock().take());
        matches!(outcome, Outcome::Appended(_))
    }
}

fn leader(hosts: &[Host]) -> Option<usize> {
    hosts.iter().position(Host::leads)
}

#[test]
fn a_majority_finds_a_leader_although_the_old_one_still_reaches_one_of_it() {
    let mut five = Five::started(1);
    let old = five.until("a leader", ELECTED_WITHIN_MS, leader);
    assert!(five.write(old, 1));
    let bridge = (old + 1) % NODES;
    for host in (0..NODES).filter(|host| *host != old && *host != bridge) {
        five.network.set_cut(old, host, true);
        five.network.set_cut(host, old, true);
    }
    let next = five.until("another leader", ELECTED_WITHIN_MS, |hosts| {
        (0..NODES).find(|host| *host != old && hosts[*host].leads())
    });
    assert!(five.write(next, 2));
    five.until("the old leader to know", ELECTED_WITHIN_MS, |hosts| (!hosts[old].leads()).then_some(()));
    // It reaches the bridge, but a write there is not done twice or lost.
    five.network.heal();
    assert!(five.write(old, 3));
    let lists = five.until("all to agree", ELECTED_WITHIN_MS, |hosts| {
        let lists: Vec<_> =
            hosts.iter().filter_map(|host| Some(crate::client::list(&host.group()?.1, 0))).collect();
        lists.iter().all(|list| list.len() == 3).then_some(lists)
    });
    assert_eq!(lists, vec![vec![1, 2, 3]; NODES]);
}
