//! Five nodes whose old leader reaches only one other node, the bridge, which reaches all of them.
//! The other four elect a leader, and the old one steps down.

use crate::client::perform;
use crate::history::{Operation, Outcome};
use crate::host::{Host, Settings};
use crate::scene::{ELECTED_WITHIN_MS, Scene};

const NODES: usize = 5;

/// Appends a number through this node. Returns whether the append was acknowledged.
fn write(five: &mut Scene, host: usize, number: u64) -> bool {
    let answer = perform(&five.hosts[host], 0, Operation::Append(number), 0).expect("the node is up");
    let outcome = five.until("an answer", 10_000, |_| answer.lock().take());
    matches!(outcome, Outcome::Appended(_))
}

fn leader(hosts: &[Host]) -> Option<usize> {
    hosts.iter().position(Host::leads)
}

#[test]
fn a_majority_elects_a_leader_although_the_old_one_still_reaches_one_of_it() {
    let mut five = Scene::started(1, &Settings::roomy(NODES));
    let old = five.until("a leader", ELECTED_WITHIN_MS, leader);
    assert!(write(&mut five, old, 1));
    let bridge = (old + 1) % NODES;
    for host in (0..NODES).filter(|host| *host != old && *host != bridge) {
        five.cut(old, host);
    }
    let next = five.until("another leader", ELECTED_WITHIN_MS, |hosts| {
        (0..NODES).find(|host| *host != old && hosts[*host].leads())
    });
    assert!(write(&mut five, next, 2));
    five.until("the old leader to learn of the new one", ELECTED_WITHIN_MS, |hosts| {
        (!hosts[old].leads()).then_some(())
    });
    // The old leader still reached the bridge during the cut. Nevertheless, no write may be lost or
    // applied twice.
    five.network.heal();
    assert!(write(&mut five, old, 3));
    let lists = five.until("all nodes to agree", ELECTED_WITHIN_MS, |hosts| {
        let lists: Vec<_> =
            hosts.iter().filter_map(|host| Some(crate::workloads::list(&host.group()?.1, 0))).collect();
        lists.iter().all(|list| list.len() == 3).then_some(lists)
    });
    assert_eq!(lists, vec![vec![1, 2, 3]; NODES]);
}
