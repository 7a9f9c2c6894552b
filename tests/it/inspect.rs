//! What a node records of its own work, and what operators ask for by Redis' names.

use jsonvault::resp::Value;

use crate::harness::wait::until;
use crate::harness::{Client, Cluster, TestNode};

fn number(value: &Value) -> i64 {
    match value {
        Value::Integer(number) => *number,
        other => panic!("{other:?} is no number"),
    }
}

fn words(value: &Value) -> Vec<String> {
    let items = value.items().unwrap_or_else(|| panic!("{value:?} is no list"));
    items.iter().map(|item| String::from_utf8_lossy(item.text().unwrap()).into_owned()).collect()
}

/// The field of a flat list of names and values.
fn field<'a>(fields: &'a Value, name: &str) -> &'a Value {
    let pairs = fields.items().unwrap();
    let at = pairs.chunks(2).find(|pair| pair[0].text().is_some_and(|text| text == name));
    &at.unwrap_or_else(|| panic!("there is no {name}"))[1]
}

#[test]
fn every_kind_of_command_is_in_its_histogram_and_its_statistics() {
    let node = TestNode::started();
    let mut client = node.client();
    for _ in 0..3 {
        client.ok("JSON.SET k $ 1");
        client.text("JSON.GET k");
        client.text("PING");
    }
    let told = client.ask("LATENCY HISTOGRAM json.set JSON.GET ping nosuch");
    for name in ["json.set", "json.get", "ping"] {
        let histogram = field(&told, name);
        assert_eq!(*field(histogram, "calls"), Value::Integer(3), "{name}");
        let steps = field(histogram, "histogram_usec").items().unwrap().to_vec();
        assert_eq!(steps.last(), Some(&Value::Integer(3)), "{name}: {steps:?}");
        let micros: Vec<i64> = steps.chunks(2).map(|step| number(&step[0])).collect();
        assert!(micros.is_sorted() && micros.iter().all(|most| most.count_ones() == 1), "{name}: {micros:?}");
    }
    let percentiles = client.info("latency_percentiles_usec_json.set").unwrap();
    assert!(percentiles.starts_with("p50=") && percentiles.contains(",p99.9="), "{percentiles}");
    assert!(client.info("cmdstat_json.set").unwrap().starts_with("calls=3,"));
    client.ok("CONFIG RESETSTAT");
    assert_eq!(client.ask("LATENCY HISTOGRAM json.set"), Value::Array(Vec::new()));
}

#[test]
fn errors_are_counted_by_their_codes() {
    let node = TestNode::started();
    let mut client = node.client();
    client.ok("SET text 1");
    client.ask("INCRBY text x");
    client.ask("NOSUCH");
    assert_eq!(client.info("errorstat_ERR").as_deref(), Some("count=2"));
    client.ok("CONFIG RESETSTAT");
    assert_eq!(client.info("errorstat_ERR"), None);
}

#[test]
fn a_rate_rises_under_load_and_a_key_that_expires_is_counted() {
    let node = TestNode::started();
    let mut client = node.client();
    client.ok("SET k v PX 1");
    until("the key to be taken away", || (client.info_number("expired_keys") == 1).then_some(()));
    until("a rate to be measured", || {
        client.pipeline(&vec![vec!["PING"]; 100]);
        (client.info_number("instantaneous_ops_per_sec") > 0).then_some(())
    });
    assert!(client.info_number("used_memory_peak") >= client.info_number("used_memory_startup"));
}

#[test]
fn a_snapshot_that_was_saved_is_there_when_it_is_answered() {
    let node = TestNode::started();
    let mut client = node.client();
    let started = client.integer("LASTSAVE");
    assert_eq!(client.info_number("rdb_last_bgsave_time_sec"), -1);
    client.ok("JSON.SET k $ 1");
    for saves in 1..=2 {
        client.ok("SAVE");
        assert_eq!(client.info_number("rdb_saves"), saves);
        assert_eq!(client.info_number("rdb_bgsave_in_progress"), 0);
    }
    assert!(!node.snapshots().is_empty());
    assert!(client.integer("LASTSAVE") >= started);
    assert!(client.info_number("rdb_last_bgsave_time_sec") >= 0);
    assert_eq!(client.info_number("rdb_changes_since_last_save"), 0);
}

#[test]
fn a_node_that_is_shut_down_says_nothing_and_exits_with_0() {
    for words in ["SHUTDOWN", "SHUTDOWN SAVE NOW FORCE"] {
        let mut node = TestNode::started();
        let mut client = node.client();
        client.ok("JSON.SET k $ 1");
        assert_eq!(client.text("SHUTDOWN ABORT"), "ERR No shutdown in progress.");
        let line: Vec<&str> = words.split(' ').collect();
        client.send(&line).unwrap();
        assert_eq!(client.receive_to_end().unwrap(), b"");
        let ended = node.wait_for_end();
        assert_eq!(ended.status.code(), Some(0), "{}", ended.messages);
        node.start();
        assert_eq!(node.client().text("JSON.GET k"), "1");
    }
}

#[test]
fn a_node_alone_has_no_replica_to_wait_for() {
    let node = TestNode::started();
    let mut client = node.client();
    client.ok("JSON.SET k $ 1");
    assert_eq!(client.integer("WAIT 0 0"), 0);
    assert_eq!(client.integer("WAIT 1 0"), 0);
    assert_eq!(client.ask("WAITAOF 1 1 0"), Value::Array(vec![Value::Integer(1), Value::Integer(0)]));
}

#[test]
fn a_leader_waits_until_the_others_have_what_was_written() {
    let mut cluster = Cluster::of_three(&[]);
    cluster.lead(1);
    cluster.wait_until_caught_up();
    let mut client = cluster.client(1);
    for number in 0..20 {
        client.ok(&format!("JSON.SET k $ {number}"));
        assert_eq!(client.integer("WAIT 2 10000"), 2);
    }
    assert_eq!(client.integer("WAIT 9 0"), 2, "those that are not there are not waited for");
    let mut follower = cluster.client(2);
    follower.ok("JSON.SET k $ 1");
    assert_eq!(
        follower.integer("WAIT 2 10000"),
        1,
        "what was acknowledged is on a majority; it knows no more"
    );
    leadership_is_handed_over(&cluster);
    cluster.node(3).kill();
    client.ok("JSON.SET k $ 2");
    assert_eq!(client.integer("WAIT 2 50"), 1);
    blocked_clients_do_not_hold_up_a_stop(&mut cluster);
}

fn leadership_is_handed_over(cluster: &Cluster) {
    let (host, port) = cluster.address(2).rsplit_once(':').unwrap();
    cluster.client(1).ok(&format!("FAILOVER TO {host} {port}"));
    assert_eq!(cluster.leader(), 2);
    cluster.lead(1);
}

fn blocked_clients_do_not_hold_up_a_stop(cluster: &mut Cluster) {
    let mut client = cluster.client(1);
    client.ok("JSON.SET k $ 3");
    client.send(&["WAIT", "2", "0"]).unwrap();
    until("the client to be blocked", || {
        (cluster.client(1).info_number("blocked_clients") == 1).then_some(())
    });
    cluster.node(1).signal("TERM");
    assert_eq!(client.receive().unwrap(), Value::Integer(1));
    assert_eq!(cluster.node(1).wait_for_end().status.code(), Some(0));
}

#[test]
fn containers_tell_of_their_subcommands() {
    let node = TestNode::started();
    let mut client = node.client();
    let listed = words(&client.ask("COMMAND LIST FILTERBY PATTERN slowlog*"));
    assert_eq!(listed, ["slowlog", "slowlog|get", "slowlog|len", "slowlog|reset", "slowlog|help"]);
    let all = words(&client.ask("COMMAND LIST"));
    for name in &all {
        let info = client.ask(&format!("COMMAND INFO {name}"));
        let fields = info.items().unwrap()[0].items().unwrap_or_else(|| panic!("{name} is not told of"));
        assert_eq!(fields[0].text().unwrap(), name.as_bytes());
        let docs = client.ask(&format!("COMMAND DOCS {name}"));
        assert_eq!(docs.items().unwrap()[0].text().unwrap(), name.as_bytes());
    }
    let help = words(&client.ask("SLOWLOG HELP"));
    assert_eq!(help[0], "SLOWLOG <subcommand> [<arg> [value] [opt] ...]. Subcommands are:");
    assert_eq!(help.len(), 5);
}

#[test]
fn what_is_not_slow_is_not_in_the_slow_log() {
    let node = TestNode::started();
    let mut client: Client = node.client();
    client.text("PING");
    // What is slow on a busy machine is there, with all its fields.
    for entry in client.ask("SLOWLOG GET -1").items().unwrap() {
        let fields = entry.items().unwrap();
        assert_eq!(fields.len(), 6);
        assert!(number(&fields[2]) >= 10_000, "{entry:?}");
    }
    client.ok("SLOWLOG RESET");
    assert!(client.integer("SLOWLOG LEN") <= 1);
}
