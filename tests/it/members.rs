//! Nodes that come, go and come again, as clients see it.

use jsonvault::resp::Value;

use crate::harness::wait::until;
use crate::harness::{Cluster, TestNode};

#[test]
fn who_was_removed_and_is_added_again_serves_again() {
    let cluster = Cluster::of_three(&[]);
    let leader = cluster.leader();
    let other = leader % 3 + 1;
    cluster.client(leader).ok("SET k 1");
    // Who has not come to the members that it is among cannot know that it was removed.
    cluster.wait_until_caught_up();
    let mut removed = cluster.client(other);
    cluster.client(leader).ok(&format!("RAFT.NODE REMOVE {other}"));
    // Who was removed while it was idle hears of it when it asks the others for a client.
    until("it says that it was removed", || {
        removed.text("GET k").starts_with("CLUSTERDOWN this node was removed").then_some(())
    });
    assert_eq!(removed.info_number("removed"), 1);
    let told = removed.text(&format!("RAFT.TRANSFER_LEADER {}", 6 - leader - other));
    assert!(told.starts_with("CLUSTERDOWN this node was removed"), "{told}");
    let add = format!("RAFT.NODE ADD {other} {{{other}}} {{{other}.raft}}");
    cluster.client(leader).text(&cluster.with_addresses(&add));
    until("it is a member again", || (removed.info_number("removed") == 0).then_some(()));
    assert_eq!(removed.text("GET k"), "1");
    cluster.wait_for_voter(other);
}

#[test]
fn a_removed_node_that_is_connected_to_the_leader_says_that_it_was_removed() {
    let cluster = Cluster::of_three(&[]);
    let leader = cluster.leader();
    let other = leader % 3 + 1;
    cluster.wait_until_caught_up();
    let mut removed = cluster.client(other);
    // Its connections to the leader stay open, and no new one is refused.
    removed.ok("SET k 1");
    assert_eq!(removed.text("GET k"), "1");
    cluster.client(leader).ok(&format!("RAFT.NODE REMOVE {other}"));
    cluster.client(leader).ok("SET k 2");
    let told = removed.text("GET k");
    assert!(told.starts_with("CLUSTERDOWN this node was removed"), "{told}");
    let told = removed.text("SET k 3");
    assert!(told.starts_with("CLUSTERDOWN this node was removed"), "{told}");
    assert_eq!(cluster.client(leader).text("GET k"), "2");
}

#[test]
fn a_node_that_gives_its_group_up_acknowledges_no_more_writes() {
    let member = TestNode::started();
    let mut alone = TestNode::new().with(&["--node-id", "9"]);
    alone.start();
    let (mut operator, mut writer) = (alone.client(), alone.client());
    operator.ok("CLIENT PAUSE 100000 WRITE");
    writer.send(&["SET", "k", "1"]).unwrap();
    until("the write has come", || operator.text("CLIENT LIST").contains("cmd=set").then_some(()));
    let same_number = TestNode::started();
    let told = same_number.client().text(&format!("RAFT.CLUSTER JOIN {}", member.address()));
    assert!(told.starts_with("ERR node 1 is a member there already"), "{told}");
    same_number.client().ok("SET k 1");
    let join = ["RAFT.CLUSTER", "JOIN", member.address()].map(str::to_owned).to_vec();
    let get = ["GET", "k"].map(str::to_owned).to_vec();
    assert_eq!(operator.pipeline(&[join, get]), [Value::Simple("OK".into()), Value::Null]);
    let told = writer.receive().unwrap();
    assert!(matches!(&told, Value::Error(line) if line.starts_with("TRYAGAIN")), "{told:?}");
}
