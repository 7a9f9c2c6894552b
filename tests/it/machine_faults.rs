//! Tests three nodes, one of them on a faulty machine: its time of day is wrong, or its disk is
//! slow, hangs or fails.
//!
//! The processes are real; [`Faults`] intercepts their system calls.

use std::time::{Duration, Instant};

use jsonvault::resp::Value;

use crate::harness::crowd::Seen;
use crate::harness::faults::Faults;
use crate::harness::wait::until;
use crate::harness::{Client, Cluster, Crowd};

const HOUR_MS: i64 = 3_600_000;
/// The lifetime of keys. It is longer than any test takes, and shorter than the errors of the
/// clocks.
const STAYS_MS: i64 = 600_000;
/// The lifetime of the key whose expiry the test waits for.
const GOES_MS: i64 = 300;

const CLIENTS: usize = 6;

/// Three running nodes, with the first as the leader, and the faults of each.
struct Three {
    cluster: Cluster,
    faults: Vec<Faults>,
}

impl Three {
    fn started() -> Three {
        let mut cluster = Cluster::new();
        cluster.found(3, &[]);
        let faults = (1..=3).map(|id| Faults::of(cluster.node(id))).collect();
        cluster.start_all(3);
        cluster.lead(1);
        cluster.wait_until_caught_up();
        Three { cluster, faults }
    }

    fn faults(&self, id: u64) -> &Faults {
        &self.faults[id as usize - 1]
    }

    fn clients(&self) -> Vec<Client> {
        (1..=3).map(|id| self.cluster.client(id)).collect()
    }

    /// Sets a node's time of day ahead, and waits until the node has noticed.
    fn set_clock_ahead(&self, id: u64, ms: i64) {
        self.faults(id).set_clock_ahead(ms);
        let mut client = self.cluster.client(id);
        until("the node to see its new time of day", || {
            let seen = client.info_number("wall_clock_ahead_ms");
            ((seen - ms).abs() < HOUR_MS / 2).then_some(())
        });
    }

    /// Checks that every member has all acknowledged writes, and that all states are equal.
    fn check(&self, mut seen: Seen) {
        self.cluster.wait_until_caught_up();
        for id in self.cluster.members() {
            seen.check(&mut self.cluster.client(id));
        }
        self.cluster.assert_digests_agree();
    }
}

/// A key with a deadline that the test does not reach.
struct Lasting {
    key: String,
    /// A moment before the key was set.
    begun: Instant,
}

impl Lasting {
    fn put(client: &mut Client, key: &str) -> Lasting {
        let begun = Instant::now();
        client.ok(&format!("SET {key} value PX {STAYS_MS}"));
        Lasting { key: key.to_owned(), begun }
    }

    /// Checks that the key exists on every node and that its deadline has not moved.
    fn assert_stays(&self, clients: &mut [Client]) {
        for (at, client) in clients.iter_mut().enumerate() {
            let (key, id) = (&self.key, at + 1);
            assert_eq!(client.text(&format!("GET {key}")), "value", "{key} at node {id}");
            let left = client.integer(&format!("PTTL {key}"));
            let passed = self.begun.elapsed().as_millis() as i64;
            // The leader may let the time run faster by a thousandth.
            let least = STAYS_MS - passed - passed / 1_000 - 2;
            assert!(
                (least..=STAYS_MS).contains(&left),
                "{key} stays for {left} ms at node {id}, {passed} ms after it was put"
            );
        }
    }
}

/// Checks that a key expires on every node, and not too early on any.
fn assert_goes(clients: &mut [Client]) {
    let begun = Instant::now();
    clients[0].ok(&format!("SET goes value PX {GOES_MS}"));
    for client in clients {
        until("the key to expire", || (client.ask("GET goes") == Value::Null).then_some(()));
        let passed = begun.elapsed().as_millis() as i64;
        assert!(passed >= GOES_MS - GOES_MS / 1_000 - 2, "the key expired after {passed} of {GOES_MS} ms");
    }
}

#[test]
fn a_node_with_a_clock_an_hour_off_expires_no_key_early() {
    let nodes = Three::started();
    let mut clients = nodes.clients();
    let mut lasting = Vec::new();
    for (turn, (id, ms)) in [(1, HOUR_MS), (1, -HOUR_MS), (2, HOUR_MS), (2, -HOUR_MS)].into_iter().enumerate()
    {
        nodes.cluster.lead(1);
        lasting.push(Lasting::put(&mut clients[turn % 3], &format!("before{turn}")));
        nodes.set_clock_ahead(id, ms);
        lasting.push(Lasting::put(&mut clients[(turn + 1) % 3], &format!("after{turn}")));
        lasting.iter().for_each(|key| key.assert_stays(&mut clients));
        assert_goes(&mut clients);
        // Node 2 becomes the leader. If its clock is wrong, the leader's clock is wrong from here
        // on; otherwise the node with the wrong clock stops leading.
        nodes.cluster.lead(2);
        lasting.push(Lasting::put(&mut clients[turn % 3], &format!("led{turn}")));
        lasting.iter().for_each(|key| key.assert_stays(&mut clients));
        assert_goes(&mut clients);
        nodes.set_clock_ahead(id, 0);
    }
    lasting.iter().for_each(|key| key.assert_stays(&mut clients));
}

#[test]
fn a_killed_leader_with_a_clock_an_hour_off_returns_and_no_key_expires_early() {
    let mut nodes = Three::started();
    for (turn, ms) in [HOUR_MS, -HOUR_MS].into_iter().enumerate() {
        let leader = nodes.cluster.leader();
        nodes.set_clock_ahead(leader, ms);
        let mut client = nodes.cluster.client(leader);
        let lasting = Lasting::put(&mut client, &format!("stays{turn}"));
        nodes.cluster.node(leader).kill();
        let mut others: Vec<Client> =
            nodes.cluster.running().into_iter().map(|id| nodes.cluster.client(id)).collect();
        nodes.cluster.leader();
        lasting.assert_stays(&mut others);
        nodes.cluster.node(leader).start();
        nodes.cluster.lead(leader);
        lasting.assert_stays(&mut nodes.clients());
        assert_goes(&mut nodes.clients());
    }
}

/// Writes to the crowd's counters, because a further key would count as one that was never sent.
const WRITE: &str = "JSON.SET counters $.told 1";
const READ: &str = "JSON.GET counters .told";

#[test]
fn a_cluster_continues_while_the_disk_of_a_follower_is_slow() {
    let nodes = Three::started();
    let quick = [1, 2].map(|id| nodes.cluster.address(id).to_owned()).to_vec();
    let crowd = Crowd::start(CLIENTS, quick);
    // An entry and its commit each need a sync. A read through the node waits for both, and must
    // not reach its own limit of 5 s.
    nodes.faults(3).delay_syncs(Duration::from_millis(1500));
    nodes.faults(3).wait_for_syncs(1);
    // The node keeps up although the others write far more entries than fit into one of openraft's
    // standard appends for each of its syncs.
    let mut leader = nodes.cluster.client(1);
    let begun = leader.info_number("cluster_raft_commit_index");
    until("many writes", || (leader.info_number("cluster_raft_commit_index") > begun + 3_000).then_some(()));
    // A write through the slow node takes as long as the node's disk.
    let mut slow = nodes.cluster.client(3);
    until("a write through the slow node", || (slow.text(WRITE) == "OK").then_some(()));
    until("a read through the slow node", || (slow.text(READ) == "1").then_some(()));
    nodes.faults(3).wait_for_syncs(1);
    crowd.wait_for_progress();
    assert_eq!(nodes.cluster.leader(), 1, "a slow follower ends no leadership");
    nodes.faults(3).heal_syncs();
    crowd.use_nodes(nodes.cluster.addresses());
    crowd.wait_for_progress();
    nodes.check(crowd.stop());
}

#[test]
fn nothing_is_lost_while_the_disk_of_the_leader_hangs_and_the_others_continue() {
    let nodes = Three::started();
    let crowd = Crowd::start(CLIENTS, nodes.cluster.addresses());
    let mut client = nodes.cluster.client(1);
    nodes.faults(1).hang_syncs();
    nodes.faults(1).wait_for_syncs(1);
    // The node answers while the disk hangs, even if only with an error.
    let said = client.text(WRITE);
    assert!(["OK", "UNCERTAIN", "CLUSTERDOWN"].iter().any(|known| said.starts_with(known)), "{said}");
    crowd.use_nodes([2, 3].map(|id| nodes.cluster.address(id).to_owned()).to_vec());
    crowd.wait_for_progress();
    nodes.faults(1).heal_syncs();
    crowd.use_nodes(nodes.cluster.addresses());
    crowd.wait_for_progress();
    nodes.check(crowd.stop());
}

/// Tests that a node whose sync fails stops and reports the reason, that the others continue, and
/// that the node can return.
fn a_sync_fails(id: u64) {
    let mut nodes = Three::started();
    let crowd = Crowd::start(CLIENTS, nodes.cluster.addresses());
    nodes.faults(id).fail_syncs();
    let ended = nodes.cluster.node(id).wait_for_end();
    assert_eq!(ended.status.code(), Some(1), "{}", ended.messages);
    let last = ended.messages.lines().last().unwrap_or_default();
    assert!(last.starts_with("server: ") && last.contains("Input/output error"), "{}", ended.messages);
    crowd.use_nodes(nodes.cluster.addresses());
    crowd.wait_for_progress();
    nodes.faults(id).heal_syncs();
    nodes.cluster.node(id).start();
    nodes.cluster.wait_until_caught_up();
    crowd.use_nodes(nodes.cluster.addresses());
    crowd.wait_for_progress();
    nodes.check(crowd.stop());
}

#[test]
fn a_follower_whose_sync_fails_stops_and_returns() {
    a_sync_fails(3);
}

#[test]
fn a_leader_whose_sync_fails_stops_and_returns() {
    a_sync_fails(1);
}
