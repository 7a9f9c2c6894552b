//! A node that is asked to stop finishes what is under way.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::harness::documents::{Ledger, write_until_lost};
use crate::harness::wait::until;
use crate::harness::{Client, TestNode};

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
    assert_eq!(found.unacknowledged, 0, "a write was done and its reply not delivered");
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
fn an_idle_connection_does_not_hold_up_the_stop() {
    let mut node = TestNode::started();
    let mut idle = node.client();
    idle.ok("JSON.SET k $ 1");
    let mut half_a_request = node.client();
    half_a_request.send_bytes(b"*2\r\n$8\r\nJSON").unwrap();
    node.stop();
    assert_eq!(idle.receive_to_end().unwrap(), b"");
    assert!(Client::try_connect("127.0.0.1:1").is_err());
    node.start();
    assert_eq!(node.client().text("JSON.GET k"), "1");
}

#[test]
fn a_second_clean_start_finds_the_first_ones_data() {
    let mut node = TestNode::started();
    node.client().ok(r#"JSON.SET k $ '{"a":[1,2.5,"é"]}'"#);
    for _ in 0..3 {
        node.stop();
        node.start();
        assert_eq!(node.client().text("JSON.GET k"), r#"{"a":[1,2.5,"é"]}"#);
    }
    assert_eq!(node.client().integer("DBSIZE"), 1);
}
