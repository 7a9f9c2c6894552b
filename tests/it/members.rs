//! Nodes that join, leave and join again, as clients see it.

use jsonvault::resp::Value;

use crate::harness::cluster::free_address;
use crate::harness::wait::until;
use crate::harness::{Cluster, TestNode};

#[test]
fn a_removed_node_that_is_added_again_serves_again() {
    let cluster = Cluster::of_three(&[]);
    let leader = cluster.leader();
    let other = leader % 3 + 1;
    cluster.client(leader).ok("SET k 1");
    // A node that has not caught up may not know that it is a member. It could then not find out
    // that it was removed.
    cluster.wait_until_caught_up();
    let mut removed = cluster.client(other);
    cluster.client(leader).ok(&format!("RAFT.NODE REMOVE {other}"));
    // A node that was removed while idle learns of it when it forwards a request of a client.
    until("the node to report that it was removed", || {
        removed.text("GET k").starts_with("CLUSTERDOWN this node was removed").then_some(())
    });
    assert_eq!(removed.info_number("removed"), 1);
    let told = removed.text(&format!("RAFT.TRANSFER_LEADER {}", 6 - leader - other));
    assert!(told.starts_with("CLUSTERDOWN this node was removed"), "{told}");
    let add = format!("RAFT.NODE ADD {other} {{{other}}} {{{other}.raft}}");
    cluster.client(leader).text(&cluster.with_addresses(&add));
    until("the node to be a member again", || (removed.info_number("removed") == 0).then_some(()));
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
    // The node's connections to the leader stay open, and new ones are accepted.
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
fn a_node_that_gives_up_its_data_to_join_acknowledges_no_further_write() {
    let member = TestNode::started();
    let mut alone = TestNode::new().with(&["--node-id", "9"]);
    alone.start();
    let (mut operator, mut writer) = (alone.client(), alone.client());
    operator.ok("CLIENT PAUSE 100000 WRITE");
    writer.send(&["SET", "k", "1"]).unwrap();
    until("the write to arrive", || operator.text("CLIENT LIST").contains("cmd=set").then_some(()));
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

/// Copies the directory of a follower of three. Returns the follower, and a node with the copy that
/// is not started.
fn copied_follower(cluster: &mut Cluster) -> (u64, TestNode) {
    let id = cluster.leader() % 3 + 1;
    cluster.client(cluster.leader()).ok("SET k 1");
    cluster.wait_until_caught_up();
    cluster.node(id).stop();
    cluster.node(id).copy_dir();
    let copy = cluster.node(id).dir().with_extension("copy");
    let mut copy = cluster.moved_to(id, &copy);
    copy.set(&["--address", &free_address(), "--raft-address", &free_address()]);
    cluster.node(id).start();
    cluster.wait_until_caught_up();
    (id, copy)
}

#[test]
fn a_copy_of_a_running_members_directory_stops() {
    let mut cluster = Cluster::of_three(&[]);
    let (_, mut copy) = copied_follower(&mut cluster);
    let elsewhere = format!("{}@{}", free_address(), free_address());
    for advertised in ["", &elsewhere] {
        copy.set(&["--advertise", advertised]);
        copy.start_without_waiting();
        let ended = copy.wait_for_end();
        assert_eq!(ended.status.code(), Some(1), "{}", ended.messages);
        let last = ended.messages.lines().last().unwrap();
        assert!(last.contains("uses a copy of its data directory"), "{last}");
    }
    assert_eq!(cluster.client(cluster.leader()).text("GET k"), "1");
}

#[test]
fn a_copy_stops_when_the_original_that_hung_answers_again() {
    let mut cluster = Cluster::of_three(&[]);
    let (id, mut copy) = copied_follower(&mut cluster);
    cluster.node(id).signal("STOP");
    copy.start();
    until("the copy to have checked its own address", || {
        copy.messages().contains("did not reach itself").then_some(())
    });
    cluster.node(id).signal("CONT");
    let ended = copy.wait_for_end();
    assert_eq!(ended.status.code(), Some(1), "{}", ended.messages);
    assert!(ended.messages.contains("uses a copy of its data directory"), "{}", ended.messages);
    cluster.wait_for_voter(id);
}

#[test]
fn an_empty_node_out_of_reach_takes_no_members_place() {
    let mut cluster = Cluster::of_three(&[]);
    let id = cluster.leader() % 3 + 1;
    let incarnation = cluster.client(id).info("incarnation");
    let empty = tempfile::tempdir().unwrap();
    let flags = ["--address", &free_address(), "--raft-address", &free_address()];
    cluster.node(id).stop();
    let mut twin = cluster.moved_to(id, &empty.path().join("twin")).with(&flags);
    cluster.node(id).start();
    cluster.wait_until_caught_up();
    cluster.node(id).signal("STOP");
    twin.start();
    until("the twin to be refused", || twin.messages().contains("does not answer at").then_some(()));
    cluster.node(id).signal("CONT");
    cluster.wait_for_voter(id);
    assert_eq!(cluster.client(id).info("incarnation"), incarnation);
    assert_eq!(cluster.client(id).info_number("removed"), 0);
}
