//! Clients of Redis Cluster see the leader as the only master, and the other members as its
//! replicas.

use std::collections::BTreeSet;

use jsonvault::resp::Value;

use crate::harness::wait::until;
use crate::harness::{Client, Cluster};

const ENABLED: &[&str] = &["--cluster-enabled", "yes"];
const MOVED: &[&str] = &["--cluster-enabled", "yes", "--redirect-mode", "moved"];

/// The number of a follower.
fn follower(cluster: &Cluster) -> u64 {
    let leader = cluster.leader();
    cluster.running().into_iter().find(|id| *id != leader).unwrap()
}

/// The words of each line of CLUSTER NODES.
fn nodes(client: &mut Client) -> Vec<Vec<String>> {
    let text = client.text("CLUSTER NODES");
    assert!(text.ends_with('\n') && !text.contains('\r'), "{text:?}");
    text.lines().map(|line| line.split(' ').map(str::to_owned).collect()).collect()
}

/// The addresses and names of the nodes in the reply to CLUSTER SLOTS, the master first.
fn slots(client: &mut Client) -> Vec<(String, String)> {
    let Value::Array(ranges) = client.ask("CLUSTER SLOTS") else { panic!("not an array") };
    let [Value::Array(range)] = &ranges[..] else { panic!("{ranges:?}") };
    assert_eq!(range[..2], [Value::Integer(0), Value::Integer(16383)]);
    let text = |value: &Value| String::from_utf8(value.text().unwrap().to_vec()).unwrap();
    let node = |value: &Value| {
        let Value::Array(node) = value else { panic!("{value:?}") };
        let Value::Integer(port) = node[1] else { panic!("{node:?}") };
        (format!("{}:{port}", text(&node[0])), text(&node[2]))
    };
    range[2..].iter().map(node).collect()
}

/// Checks that a node without a majority reports no leader, and redirects no client.
fn names_no_leader(client: &mut Client) {
    until("no leader to be named", || (client.info_number("leader_id") == -1).then_some(()));
    assert!(client.text("CLUSTER INFO").starts_with("cluster_state:fail"));
    assert!(nodes(client).iter().all(|node| !node[2].contains("master")));
    for request in ["GET k", "SET k 1"] {
        assert_eq!(client.text(request), "CLUSTERDOWN no leader is known; nothing was changed", "{request}");
    }
}

#[test]
fn a_follower_without_a_majority_names_no_dead_leader() {
    let mut cluster = Cluster::of_three(MOVED);
    let leader = cluster.leader();
    let left = follower(&cluster);
    let mut client = cluster.client(left);
    let told = client.text("GET k");
    assert!(told.starts_with("MOVED"), "{told}");
    for id in [leader, 6 - leader - left] {
        cluster.node(id).kill();
    }
    names_no_leader(&mut client);
}

#[test]
fn a_leader_without_a_majority_does_not_name_itself() {
    let mut cluster = Cluster::of_three(MOVED);
    let leader = cluster.leader();
    let mut client = cluster.client(leader);
    client.ok("SET k 1");
    for id in (1..=3).filter(|id| *id != leader) {
        cluster.node(id).kill();
    }
    names_no_leader(&mut client);
    assert_ne!(client.info("state").as_deref(), Some("leader"));
}

#[test]
fn every_node_shows_the_leader_as_the_master_of_all_slots() {
    let cluster = Cluster::of_three(ENABLED);
    let leader = cluster.leader();
    let mut seen = BTreeSet::new();
    for id in cluster.running() {
        let mut client = cluster.client(id);
        let address = cluster.address(id);
        let shown = slots(&mut client);
        assert_eq!(shown.len(), 3);
        assert_eq!(shown[0].0, cluster.address(leader), "the leader comes first");
        let own = client.text("CLUSTER MYID");
        assert_eq!(own.len(), 40);
        assert!(shown.contains(&(address.to_owned(), own.clone())));
        let lines = nodes(&mut client);
        let myself: Vec<_> = lines.iter().filter(|line| line[2].starts_with("myself,")).collect();
        assert_eq!(myself.len(), 1);
        assert_eq!(myself[0][0], own);
        assert!(myself[0][1].starts_with(&format!("{address}@")));
        for line in &lines {
            let leads = line[0] == shown[0].1;
            assert_eq!(line[2].ends_with("master"), leads, "{line:?}");
            assert_eq!(line[3] == "-", leads, "{line:?}");
            assert_eq!(line.get(8).map(String::as_str), leads.then_some("0-16383"), "{line:?}");
        }
        assert!(client.text("CLUSTER INFO").starts_with("cluster_state:ok\r\n"));
        assert_eq!(client.info("redis_mode").as_deref(), Some("cluster"));
        assert_eq!(client.info("role").as_deref(), Some(if id == leader { "master" } else { "slave" }));
        assert_eq!(client.info_number("cluster_enabled"), 1);
        assert_eq!(client.info_number("connected_slaves"), if id == leader { 2 } else { 0 });
        seen.insert(own);
    }
    assert_eq!(seen.len(), 3, "no two nodes have the same name");
    // A follower forwards requests that only the leader can serve.
    let mut follower = cluster.client(follower(&cluster));
    follower.ok("SET k v");
    assert_eq!(follower.text("GET k"), "v");
}

#[test]
fn a_follower_redirects_requests_with_keys_to_the_leader() {
    let cluster = Cluster::of_three(MOVED);
    let leader = cluster.address(cluster.leader()).to_owned();
    let mut follower = cluster.client(follower(&cluster));
    let slot = follower.integer("CLUSTER KEYSLOT {user:1}.name");
    let moved = format!("MOVED {slot} {leader}");
    for line in [
        "JSON.SET {user:1}.name $ 1",
        "JSON.GET {user:1}.name",
        "MGET {user:1}.name other",
        "DEL {user:1}.name",
    ] {
        assert_eq!(follower.text(line), moved, "{line}");
    }
    // A follower itself replies to requests without keys and to invalid requests.
    assert_eq!(follower.integer("DBSIZE"), 0);
    assert!(follower.text("JSON.GET").starts_with("ERR wrong number"));
    Client::connect(&leader).ok("JSON.SET {user:1}.name $ 1");
    follower.ok("READONLY");
    until("the follower to have the document", || {
        (follower.ask("JSON.GET {user:1}.name") != Value::Null).then_some(())
    });
    assert_eq!(follower.text("DEL {user:1}.name"), moved, "a write goes to the leader, READONLY or not");
    follower.ok("READWRITE");
    assert_eq!(follower.text("JSON.GET {user:1}.name"), moved);
    follower.ok("ASKING");
    // The replies to a pipeline have the order of its requests.
    let requests = ["PING", "SET k v", "DBSIZE", "GET k"].map(|line| line.split(' ').collect::<Vec<_>>());
    let answers: Vec<_> =
        follower.pipeline(&requests).iter().filter_map(crate::harness::client::text_of).collect();
    let slot = follower.integer("CLUSTER KEYSLOT k");
    assert_eq!(
        answers,
        ["PONG".to_owned(), format!("MOVED {slot} {leader}"), format!("MOVED {slot} {leader}")]
    );
}

#[test]
fn a_client_library_follows_the_leader_after_a_crash() {
    let mut cluster = Cluster::of_three(MOVED);
    let set = |address: &str| {
        let client = redis::Client::open(format!("redis://{address}/")).unwrap();
        let mut connection = client.get_connection().unwrap();
        redis::cmd("JSON.SET").arg("k").arg("$").arg("1").query::<String>(&mut connection)
    };
    let (first, witness) = (cluster.leader(), follower(&cluster));
    let error = set(cluster.address(witness)).unwrap_err();
    assert_eq!(error.redirect_node(), Some((cluster.address(first), 7629)), "{error}");
    assert_eq!(set(cluster.address(first)).unwrap(), "OK");
    cluster.node(first).kill();
    let mut witness = cluster.client(witness);
    until("another leader", || {
        // The slots have an owner at every moment: the old leader, the node that receives the
        // request, or the new leader.
        assert_eq!(slots(&mut witness).len(), 3);
        let master = nodes(&mut witness).into_iter().find(|line| line[2].ends_with("master"))?;
        let running = cluster.running();
        running.iter().any(|id| master[1].starts_with(&format!("{}@", cluster.address(*id)))).then_some(())
    });
    let next = cluster.leader();
    assert_ne!(next, first);
    assert_eq!(set(cluster.address(next)).unwrap(), "OK");
}

#[test]
fn a_pipeline_at_a_follower_reads_what_it_wrote() {
    let cluster = Cluster::of_three(&[]);
    let mut client = cluster.client(follower(&cluster));
    let mut requests = Vec::new();
    for number in 0..200 {
        for line in ["JSON.SET k $ N", "JSON.GET k", "MULTI", "JSON.NUMINCRBY k . 1000", "EXEC", "JSON.GET k"]
        {
            requests
                .push(line.replacen(" N", &format!(" {number}"), 1).split(' ').map(str::to_owned).collect());
        }
    }
    let replies = client.pipeline::<String>(&requests);
    for (number, replies) in replies.chunks(6).enumerate() {
        assert_eq!(replies[1], Value::Bulk(number.to_string().into()), "after a write");
        assert_eq!(replies[5], Value::Bulk((number + 1000).to_string().into()), "after EXEC");
    }
}
