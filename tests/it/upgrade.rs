//! Rolling upgrades of a cluster, and their limits. One program stands for two releases: the
//! environment names the cluster versions that a process supports.

use std::path::Path;

use jsonvault::resp::Value;

use crate::harness::wait::until;
use crate::harness::{Cluster, Crowd, TestNode};

const CLIENTS: usize = 4;
const OLD: &str = "1-1";
const NEW: &str = "1-2";

fn release(node: &mut TestNode, versions: &str) {
    node.set_env("JSONVAULT_TEST_VERSIONS", Path::new(versions));
}

/// Three running nodes of the old release.
fn three(finalize: &str) -> Cluster {
    let mut cluster = Cluster::new();
    cluster.found(3, &["--upgrade-finalize", finalize]);
    (1..=3).for_each(|id| release(cluster.node(id), OLD));
    cluster.start_all(3);
    cluster.leader();
    cluster
}

fn restart(cluster: &mut Cluster, id: u64, versions: &str) {
    cluster.node(id).stop();
    release(cluster.node(id), versions);
    cluster.node(id).start();
    cluster.wait_until_caught_up();
}

/// Restarts every node as this release, the leader last, while clients write.
fn roll(cluster: &mut Cluster, crowd: &Crowd, versions: &str) {
    let leader = cluster.leader();
    for id in [leader % 3 + 1, (leader + 1) % 3 + 1, leader] {
        restart(cluster, id, versions);
        crowd.wait_for_progress();
    }
}

fn wait_for_version(cluster: &Cluster, version: i64) {
    for id in cluster.members() {
        until(&format!("node {id} to have version {version}"), || {
            (cluster.client(id).info_number("cluster_version") == version).then_some(())
        });
    }
}

#[test]
fn a_rolling_upgrade_loses_nothing_and_can_be_undone_until_it_is_finalized() {
    let mut cluster = three("manual");
    let crowd = Crowd::start(CLIENTS, cluster.addresses());
    for versions in [NEW, OLD, NEW] {
        roll(&mut cluster, &crowd, versions);
    }
    wait_for_version(&cluster, 1);
    cluster.client(1).ok("RAFT.CLUSTER FINALIZE");
    wait_for_version(&cluster, 2);
    crowd.wait_for_progress();
    let mut seen = crowd.stop();
    for id in 1..=3 {
        seen.check(&mut cluster.client(id));
    }
    cluster.assert_digests_agree();
    cluster.node(3).stop();
    release(cluster.node(3), OLD);
    let ended = cluster.node(3).try_start().unwrap_err();
    let reason = "this program supports version 1, and the cluster has version 2: start a newer release";
    assert!(ended.messages.contains(reason), "{}", ended.messages);
    release(cluster.node(3), NEW);
    cluster.node(3).start();
    cluster.wait_until_caught_up();
    assert_eq!(cluster.client(3).info_number("cluster_version"), 2);
}

#[test]
fn the_leader_finalizes_an_upgrade_once_all_nodes_have_it() {
    let mut cluster = three("auto");
    let leader = cluster.leader();
    let (second, third) = (leader % 3 + 1, (leader + 1) % 3 + 1);
    restart(&mut cluster, second, NEW);
    restart(&mut cluster, third, NEW);
    cluster.lead(second);
    let told = cluster.client(third).text("RAFT.CLUSTER FINALIZE");
    let expected = format!("ERR no version after 1 is supported by all members: not by node {leader}");
    assert_eq!(told, expected);
    cluster.node(leader).stop();
    let told = cluster.client(third).text("RAFT.CLUSTER FINALIZE");
    assert!(told.starts_with(&format!("ERR node {leader} does not state its versions: ")), "{told}");
    assert_eq!(cluster.client(second).info_number("cluster_version"), 1);
    release(cluster.node(leader), NEW);
    cluster.node(leader).start();
    wait_for_version(&cluster, 2);
    cluster.client(third).ok("SET k 1");
}

#[test]
fn a_leader_of_the_old_release_is_named_as_the_one_to_upgrade() {
    let mut cluster = three("manual");
    let leader = cluster.leader();
    let follower = leader % 3 + 1;
    restart(&mut cluster, follower, NEW);
    cluster.lead(leader);
    let told = cluster.client(follower).text("RAFT.CLUSTER FINALIZE");
    assert_eq!(told, format!("ERR the leader, node {leader}, supports version 1: upgrade it first"));
    let Value::Array(report) = cluster.client(follower).ask("RAFT.CLUSTER VERSION") else {
        panic!("the report is a map")
    };
    let texts = report.iter().step_by(2).map(|name| name.text().unwrap().to_vec());
    let names: Vec<String> = texts.map(|name| String::from_utf8(name).unwrap()).collect();
    assert_eq!(names, ["cluster-version", "min-version", "max-version", "next-version", "members"]);
    assert_eq!(
        report[1..6].iter().step_by(2).collect::<Vec<_>>(),
        [&Value::Integer(1), &Value::Integer(1), &Value::Integer(2)]
    );
    assert_eq!(report[7], Value::Null);
}

#[test]
fn a_cluster_takes_in_no_node_that_does_not_support_its_version() {
    let mut cluster = Cluster::new();
    for id in 1..=2 {
        cluster.node(id).set(&["--snapshot-log-entries", "20"]);
        release(cluster.node(id), NEW);
    }
    cluster.node(1).start();
    // The version of a single node rises as soon as its own program supports it.
    wait_for_version(&cluster, 2);
    let mut client = cluster.client(1);
    let begin = client.info_number("last_applied");
    (0..50).for_each(|number| client.ok(&format!("SET k:{number} 1")));
    until("a snapshot", || (client.info_number("snapshot_index") > begin).then_some(()));
    let first = cluster.address(1).to_owned();
    cluster.node(3).set(&["--join", &first]);
    for (versions, advice) in [(OLD, "start a newer release"), ("3-4", "upgrade one release at a time")] {
        release(cluster.node(3), versions);
        let ended = cluster.node(3).try_start().unwrap_err();
        assert!(ended.messages.contains("node 3 supports version"), "{}", ended.messages);
        assert!(ended.messages.contains("and the cluster has version 2"), "{}", ended.messages);
        assert!(ended.messages.contains(advice), "{}", ended.messages);
    }
    assert_eq!(cluster.client(1).info_number("cluster_size"), 1);
    cluster.node(2).set(&["--join", &first]);
    cluster.node(2).start();
    cluster.wait_for_voter(2);
    wait_for_version(&cluster, 2);
    // From the snapshot, which has the version too.
    for id in 1..=2 {
        cluster.node(id).kill_and_restart();
    }
    cluster.leader();
    wait_for_version(&cluster, 2);
    assert_eq!(cluster.client(2).text("GET k:49"), "1");
}

#[test]
fn an_old_node_with_an_old_directory_is_refused_by_the_others() {
    let mut cluster = three("manual");
    cluster.lead(1);
    restart(&mut cluster, 2, NEW);
    restart(&mut cluster, 3, NEW);
    cluster.node(3).stop();
    cluster.node(3).copy_dir();
    cluster.node(3).start();
    restart(&mut cluster, 1, NEW);
    cluster.client(1).ok("RAFT.CLUSTER FINALIZE");
    wait_for_version(&cluster, 2);
    cluster.node(3).stop();
    cluster.node(3).put_copy_back();
    release(cluster.node(3), OLD);
    cluster.node(3).start_without_waiting();
    let reason = "node 3 supports version 1, and the cluster has version 2: start a newer release";
    until("the refusal", || cluster.node(3).messages().contains(reason).then_some(()));
    cluster.client(1).ok("SET k 1");
}
