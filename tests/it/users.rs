//! Tests users and their rights: on every node, across restarts, and while clients are connected.

use jsonvault::resp::Value;

use crate::harness::wait::until;
use crate::harness::{Client, Cluster, TestNode};

fn logged_in(cluster: &Cluster, id: u64, words: &str) -> Client {
    let mut client = cluster.client(id);
    // Another node applies a change of users a moment after it is acknowledged.
    until("the user to be known", || (client.text(words) == "OK").then_some(()));
    client
}

fn is_closed(client: &mut Client) -> bool {
    client.send(&["PING"]).is_err() || client.receive().is_err()
}

#[test]
fn users_are_the_same_on_every_node_and_survive_kills_and_snapshots() {
    let mut cluster = Cluster::of_three(&[]);
    let mut admin = cluster.client(1);
    admin.ok("ACL SETUSER alice on >pw %R~a:* +@all -@dangerous");
    admin.ok("JSON.SET a:1 $ 1");
    let refused = "NOPERM No permissions to access a key";
    let mut alice = logged_in(&cluster, 3, "AUTH alice pw");
    assert_eq!(alice.text("JSON.GET a:1"), "1");
    assert_eq!(alice.text("JSON.SET a:1 $ 2"), refused);
    assert_eq!(alice.text("ACL WHOAMI"), "alice");
    assert_eq!(alice.text("KEYS *"), "NOPERM User alice has no permissions to run the 'keys' command");
    let mut third = cluster.client(3);
    assert_eq!(third.info_number("acl_access_denied_key"), 1);
    assert_eq!(third.info_number("acl_access_denied_cmd"), 1);
    let Value::Array(records) = third.ask("ACL LOG") else { panic!("ACL LOG returns a list") };
    assert_eq!(records.len(), 2);
    cluster.wait_until_caught_up();
    cluster.assert_digests_agree();
    admin.ok("SAVE");
    admin.ok("ACL SETUSER bob on nopass +ping");
    (1..=3).for_each(|id| cluster.node(id).kill());
    cluster.start_all(3);
    cluster.leader();
    for id in 1..=3 {
        assert_eq!(logged_in(&cluster, id, "AUTH alice pw").text("JSON.SET a:1 $ 2"), refused);
        assert_eq!(logged_in(&cluster, id, "AUTH bob x").text("PING"), "PONG");
    }
}

#[test]
fn clients_of_a_removed_user_are_cut_off_on_every_node() {
    let cluster = Cluster::of_three(&[]);
    let mut admin = cluster.client(1);
    admin.ok("ACL SETUSER alice on nopass +@all &news");
    admin.ok("ACL SETUSER bob on nopass +@all");
    let mut alice: Vec<Client> = (1..=3).map(|id| logged_in(&cluster, id, "AUTH alice x")).collect();
    let mut bob = logged_in(&cluster, 2, "AUTH bob x");
    assert_eq!(admin.integer("ACL DELUSER alice nobody"), 1);
    alice.iter_mut().for_each(|client| until("the end", || is_closed(client).then_some(())));
    assert_eq!(bob.text("PING"), "PONG");
    assert!(cluster.client(3).text("AUTH alice x").starts_with("WRONGPASS"));
}

#[test]
fn a_subscriber_that_lost_its_channel_is_cut_off() {
    let node = TestNode::started();
    let mut admin = node.client();
    admin.ok("ACL SETUSER alice on nopass +@all &news &b*");
    let mut alice = node.client();
    alice.ok("AUTH alice x");
    alice.ask("SUBSCRIBE news");
    admin.ok("ACL SETUSER alice resetchannels &news");
    admin.integer("PUBLISH news 1");
    assert!(alice.receive().is_ok(), "the message arrives");
    admin.ok("ACL SETUSER alice resetchannels &b*");
    until("the end", || is_closed(&mut alice).then_some(()));
}

#[test]
fn a_right_lost_after_multi_refuses_exec() {
    let node = TestNode::started();
    let (mut admin, mut alice) = (node.client(), node.client());
    admin.ok("ACL SETUSER alice on nopass ~* +@all");
    alice.ok("AUTH alice x");
    alice.ok("MULTI");
    assert_eq!(alice.text("SET a 1"), "QUEUED");
    admin.ok("ACL SETUSER alice -set");
    assert!(alice.text("EXEC").starts_with("EXECABORT "));
    assert_eq!(admin.ask("GET a"), Value::Null);
    alice.ok("MULTI");
    assert!(alice.text("SET a 1").starts_with("NOPERM "));
    assert!(alice.text("EXEC").starts_with("EXECABORT "));
}

#[test]
fn the_default_user_keeps_its_password_when_rules_change_it() {
    let mut node = TestNode::new().with(&["--requirepass", "secret"]);
    node.log_in_with("secret");
    node.start();
    let mut admin = node.client();
    admin.ok("ACL SETUSER admin on >root ~* &* +@all");
    admin.ok("ACL SETUSER default -@all +ping");
    let mut other = node.unauthenticated_client();
    assert!(other.text("PING").starts_with("NOAUTH "));
    other.ok("AUTH secret");
    assert_eq!(other.text("PING"), "PONG");
    assert!(other.text("GET a").starts_with("NOPERM "));
    other.ok("AUTH admin root");
    assert_eq!(other.ask("GET a"), Value::Null);
    other.ok("ACL SETUSER default off");
    assert!(other.text("CONFIG SET requirepass x").contains("use ACL SETUSER default"));
    let mut late = node.unauthenticated_client();
    assert!(late.text("AUTH secret").starts_with("WRONGPASS "));
    assert!(late.text("PING").starts_with("NOAUTH "));
}

#[test]
fn a_started_node_admits_nobody_by_the_state_before_its_stop() {
    let mut cluster = Cluster::of_three(&[]);
    cluster.lead(1);
    let mut admin = cluster.client(1);
    cluster.node(3).kill();
    admin.ok("ACL SETUSER default resetpass");
    cluster.node(3).start_without_waiting();
    let address = cluster.address(3).to_owned();
    until("the node to demand a password", || {
        let mut stranger = Client::try_connect(&address).ok()?;
        stranger.send(&["SET", "k", "v"]).ok()?;
        let Ok(Value::Error(said)) = stranger.receive() else { panic!("the write is refused") };
        said.starts_with("NOAUTH ").then_some(())
    });
    assert_eq!(admin.ask("GET k"), Value::Null);
}

#[test]
fn a_client_whose_user_is_removed_in_the_middle_of_a_pipeline_is_nobody_then() {
    let node = TestNode::started();
    let (mut admin, mut alice) = (node.client(), node.client());
    admin.ok("ACL SETUSER alice on nopass ~* &* +@all");
    alice.send_bytes(b"AUTH alice x\r\nHELLO 3\r\nSUBSCRIBE c\r\nDEBUG SLEEP 1\r\nSET pwned 1\r\n").unwrap();
    let mut bob = node.client();
    bob.send_bytes(b"AUTH alice x\r\nDEBUG SLEEP 1\r\nSET pwned 2\r\n").unwrap();
    until("both to sleep", || {
        (admin.text("CLIENT LIST").matches("cmd=debug user=alice").count() == 2).then_some(())
    });
    assert_eq!(admin.integer("ACL DELUSER alice"), 1);
    for client in [&mut alice, &mut bob] {
        client.receive_to_end().unwrap();
    }
    assert_eq!(admin.integer("PUBLISH c x"), 0);
    assert_eq!(admin.ask("GET pwned"), Value::Null);
}

#[test]
fn one_user_cannot_grow_without_limit() {
    let node = TestNode::started();
    let mut admin = node.client();
    let selector = format!("({})", (0..10_001).map(|at| format!("~{at}")).collect::<Vec<_>>().join(" "));
    let said = admin.call(&["ACL", "SETUSER", "alice", &selector]);
    assert_eq!(said, Value::Error("ERR a user can have at most 10000 rules".to_owned()));
    let words: Vec<String> = (0..6_000).map(|at| format!("~{at}")).collect();
    let request = |prefix: &str| {
        let rules = words.iter().map(|word| word.replace('~', prefix));
        ["ACL", "SETUSER", "alice"].map(str::to_owned).into_iter().chain(rules).collect::<Vec<String>>()
    };
    assert_eq!(admin.call(&request("~a")), Value::Simple("OK".into()));
    assert!(matches!(admin.call(&request("~b")), Value::Error(said) if said.contains("at most 10000 rules")));
}
