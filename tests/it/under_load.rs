//! Tests clusters of three and more nodes under load: the leader is killed, leadership is
//! transferred, a node is down for a long time, and nodes join and leave. [`Crowd`] checks the
//! guarantees for clients.
//!
//! For longer runs, set `JSONVAULT_KILLS=100`, `JSONVAULT_TRANSFERS=200`, `JSONVAULT_WRITES=200000`
//! (scripts/nightly.sh).

use std::sync::atomic::AtomicU64;

use crate::harness::crowd::Seen;
use crate::harness::documents::write_until_lost;
use crate::harness::wait::until;
use crate::harness::{Cluster, Crowd, size};

const CLIENTS: usize = 6;

fn three(flags: &[&str]) -> Cluster {
    let cluster = Cluster::of_three(flags);
    cluster.leader();
    cluster
}

/// Checks that every member has all acknowledged writes, and that all states are equal.
fn check(cluster: &Cluster, mut seen: Seen) {
    for id in cluster.members() {
        seen.check(&mut cluster.client(id));
    }
    cluster.assert_digests_agree();
}

#[test]
fn clients_would_notice_a_stale_read() {
    let cluster = three(&["--read-consistency", "local"]);
    let complaint = Crowd::spawn(CLIENTS, cluster.addresses()).wait_for_complaint();
    assert!(complaint.contains("was acknowledged before"), "{complaint}");
}

#[test]
fn repeated_kills_of_the_leader_lose_no_acknowledged_write_and_no_read_is_stale() {
    let mut cluster = three(&[]);
    let crowd = Crowd::start(CLIENTS, cluster.addresses());
    for _ in 0..size("JSONVAULT_KILLS", 3) {
        let leader = cluster.leader();
        cluster.node(leader).kill();
        crowd.wait_for_progress();
        cluster.node(leader).start();
        // Waits until all three nodes have the whole log, before the next kill.
        cluster.wait_until_caught_up();
        crowd.wait_for_progress();
    }
    check(&cluster, crowd.stop());
}

#[test]
fn repeated_transfers_of_leadership_cause_no_client_an_error() {
    let cluster = three(&[]);
    let crowd = Crowd::start(CLIENTS, cluster.addresses());
    for _ in 0..size("JSONVAULT_TRANSFERS", 5) {
        cluster.lead(cluster.leader() % 3 + 1);
        crowd.wait_for_progress();
    }
    let seen = crowd.stop();
    assert!(seen.errors.is_empty(), "{:?}", seen.errors);
    check(&cluster, seen);
}

#[test]
fn a_follower_that_missed_most_of_the_log_returns_through_a_snapshot() {
    let writes = size("JSONVAULT_WRITES", 5000) as usize;
    // Each batch is an entry. There are some hundreds of entries, and several snapshots.
    let (window, entries) = (writes / 250, "50");
    let mut cluster = three(&["--snapshot-log-entries", entries]);
    cluster.lead(1);
    cluster.wait_until_caught_up();
    cluster.node(3).kill();
    let mut leader = cluster.client(1);
    let reached = leader.info_number("last_applied");
    let missed = write_until_lost(cluster.address(1), "missed", window, writes, &AtomicU64::new(0));
    let crowd = Crowd::start(CLIENTS, cluster.addresses());
    until("the log to be purged", || (leader.info_number("purged_index") > reached).then_some(()));
    cluster.node(3).start();
    until("a snapshot", || {
        cluster.node(3).messages().contains("installed a snapshot of the leader").then_some(())
    });
    crowd.use_nodes(cluster.addresses());
    crowd.wait_for_progress();
    let mut seen = crowd.stop();
    assert!(seen.errors.is_empty(), "the others continue meanwhile: {:?}", seen.errors);
    seen.ledger.merge(missed);
    check(&cluster, seen);
}

/// A single node grows to a cluster of three and then five members, and shrinks to three again.
fn grow_and_shrink(leader_too: bool) {
    let mut cluster = Cluster::new();
    cluster.node(1).start();
    let crowd = Crowd::start(CLIENTS, cluster.addresses());
    for id in 2..=5 {
        let first = cluster.address(1).to_owned();
        cluster.node(id).set(&["--join", &first]);
        cluster.node(id).start();
        cluster.wait_for_voter(id);
        crowd.use_nodes(cluster.addresses());
        crowd.wait_for_progress();
    }
    for _ in 0..2 {
        let leader = cluster.leader();
        let follower = cluster.members().into_iter().find(|id| *id != leader).unwrap();
        let leaves = if leader_too { leader } else { follower };
        // Clients use the node until it is removed, and then get an error from it.
        cluster.remove(leaves);
        until("the node to learn that it was removed", || {
            (cluster.client(leaves).info_number("removed") == 1).then_some(())
        });
        crowd.use_nodes(cluster.addresses());
        crowd.wait_for_progress();
        cluster.node(leaves).stop();
    }
    assert_eq!(cluster.members().len(), 3);
    check(&cluster, crowd.stop());
}

#[test]
fn a_cluster_grows_and_followers_leave_under_load() {
    grow_and_shrink(false);
}

#[test]
fn a_cluster_grows_and_leaders_leave_under_load() {
    grow_and_shrink(true);
}
