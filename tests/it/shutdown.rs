//! A node that is asked to stop first completes the work in progress.

use std::io::Write;
use std::sync::atomic::{AtomicU64, Ordering};

use jsonvault::resp::Value;

use crate::harness::documents::{Ledger, write_until_lost};
use crate::harness::wait::until;
use crate::harness::{Client, Cluster, TestNode};

fn stops_cleanly_under_load(signal: &str) {
    let mut node = TestNode::started();
    let acknowledged = AtomicU64::new(0);
    let address = node.address().to_owned();
    let mut ledger = Ledger::default();
    std::thread::scope(|scope| {
        let writers: Vec<_> = (0..4)
            .map(|writer| {
                let (address, acknowledged) = (&address, &acknowledged);
                scope.spawn(move || {
                    write_until_lost(address, &format!("w{writer}"), 1 + 30 * writer, 100_000, acknowledged)
                })
            })
            .collect();
        until("writes to be acknowledged", || (acknowledged.load(Ordering::Relaxed) > 500).then_some(()));
        node.signal(signal);
        writers.into_iter().for_each(|writer| ledger.merge(writer.join().unwrap()));
    });
    let ended = node.wait_for_end();
    assert_eq!(ended.status.code(), Some(0), "{}", ended.messages);
    node.start();
    let found = ledger.check(&mut node.client());
    assert!(found.expected > 500);
    assert_eq!(found.unacknowledged, 0, "the reply to each applied write is delivered");
}

#[test]
fn a_node_that_is_told_to_terminate_delivers_every_reply_and_exits_with_0() {
    stops_cleanly_under_load("TERM");
}

#[test]
fn a_node_that_is_interrupted_delivers_every_reply_and_exits_with_0() {
    stops_cleanly_under_load("INT");
}

#[test]
fn a_member_that_is_stopped_complains_of_nothing() {
    let mut cluster = Cluster::of_three(&[]);
    for _ in 0..4 {
        let leader = cluster.leader();
        cluster.client(leader).ok("SET k 1");
        let node = cluster.node(leader);
        node.signal("TERM");
        let ended = node.wait_for_end();
        assert!(ended.status.success() && !ended.messages.contains(" ERROR "), "{}", ended.messages);
        node.start();
        cluster.wait_until_caught_up();
    }
}

#[test]
fn an_idle_connection_does_not_delay_the_stop() {
    let mut node = TestNode::started();
    let mut idle = node.client();
    idle.ok("JSON.SET k $ 1");
    let mut half_a_request = node.client();
    half_a_request.send_bytes(b"*2\r\n$8\r\nJSON").unwrap();
    let address = node.address().to_owned();
    node.stop();
    assert_eq!(idle.receive_to_end().unwrap(), b"");
    assert!(Client::try_connect(&address).is_err(), "a stopped node accepts nobody");
    node.start();
    assert_eq!(node.client().text("JSON.GET k"), "1");
}

#[test]
fn a_pause_does_not_delay_the_stop_and_paused_writes_are_done() {
    let mut node = TestNode::started();
    let (mut operator, mut writer) = (node.client(), node.client());
    operator.ok("CLIENT PAUSE 100000000");
    writer.send(&["SET", "k", "1"]).unwrap();
    until("the write to arrive", || operator.text("CLIENT LIST").contains("cmd=set").then_some(()));
    node.signal("TERM");
    assert_eq!(writer.receive().unwrap(), Value::Simple("OK".into()));
    assert_eq!(node.wait_for_end().status.code(), Some(0));
    node.start();
    assert_eq!(node.client().text("GET k"), "1");
}

/// More bytes than the operating system buffers for a connection.
const LARGE: usize = 16 << 20;

/// A client whose replies exceed the sockets' buffers, and that reads none of them.
fn client_that_does_not_read(node: &TestNode) -> Client {
    let mut client = node.client();
    client.ok(&format!("SET large {}", "x".repeat(LARGE)));
    client.send(&["GET", "large"]).unwrap();
    until("the reply to be stuck", || {
        let done = node.client().info("cmdstat_get")?;
        let calls = done.split(['=', ',']).nth(1)?.parse::<u64>().ok()?;
        (calls >= 1).then_some(())
    });
    client
}

#[test]
fn a_client_that_never_pauses_does_not_delay_the_stop() {
    let mut node = TestNode::started();
    let client = node.client();
    let (mut sender, mut reader) = (client.sender(), client.sender());
    std::thread::scope(|scope| {
        scope.spawn(move || while sender.write_all(&b"PING\r\n".repeat(1000)).is_ok() {});
        scope.spawn(move || std::io::copy(&mut reader, &mut std::io::sink()));
        until("requests to be answered", || {
            (node.client().info_number("total_commands_processed") > 10_000).then_some(())
        });
        node.stop();
    });
}

#[test]
fn a_client_that_does_not_read_is_disconnected_in_the_end() {
    let mut node = TestNode::started();
    let _client = client_that_does_not_read(&node);
    node.signal("TERM");
    let ended = node.wait_for_end();
    assert_eq!(ended.status.code(), Some(0), "{}", ended.messages);
    assert!(ended.messages.contains("dropping clients"), "{}", ended.messages);
    node.start();
    assert_eq!(node.client().integer("STRLEN large"), LARGE as i64);
}

#[test]
fn a_second_signal_ends_the_node_at_once() {
    let mut node = TestNode::started();
    let _client = client_that_does_not_read(&node);
    node.signal("TERM");
    until("the first signal to be handled", || node.messages().contains("stopping").then_some(()));
    node.signal("INT");
    let ended = node.wait_for_end();
    assert_eq!(ended.status.code(), Some(1), "{}", ended.messages);
    assert!(ended.messages.contains("a second signal"), "{}", ended.messages);
    node.start();
    assert_eq!(node.client().integer("STRLEN large"), LARGE as i64);
}

#[test]
fn a_node_that_is_told_to_terminate_before_it_is_ready_exits_with_0() {
    // The node waits for a cluster whose other members are not running.
    let mut node = TestNode::new().with(&["--join", "127.0.0.1:1"]);
    node.start_without_waiting();
    until("the node to wait", || node.messages().contains("cannot join yet").then_some(()));
    node.stop();
}

#[test]
fn a_start_after_a_clean_stop_finds_all_data() {
    let mut node = TestNode::started();
    node.client().ok(r#"JSON.SET k $ '{"a":[1,2.5,"é"]}'"#);
    for _ in 0..3 {
        node.stop();
        node.start();
        assert_eq!(node.client().text("JSON.GET k"), r#"{"a":[1,2.5,"é"]}"#);
    }
    assert_eq!(node.client().integer("DBSIZE"), 1);
}
