//! Checks the statistics of a node, and the commands of Redis with which operators read them.

use jsonvault::resp::Value;

use crate::harness::wait::until;
use crate::harness::{Client, Cluster, TestNode};

fn number(value: &Value) -> i64 {
    match value {
        Value::Integer(number) => *number,
        other => panic!("{other:?} is not a number"),
    }
}

fn words(value: &Value) -> Vec<String> {
    let items = value.items().unwrap_or_else(|| panic!("{value:?} is not a list"));
    items.iter().map(|item| String::from_utf8_lossy(item.text().unwrap()).into_owned()).collect()
}

/// The value of a field in a flat list of names and values.
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
fn errors_are_counted_by_code() {
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
fn an_error_inside_a_transaction_is_counted_by_code() {
    let node = TestNode::started();
    let mut client = node.client();
    client.ok("SET text x");
    client.ok("MULTI");
    client.text("INCR text");
    client.text("LPUSH text a");
    client.text("LLEN text");
    client.ask("EXEC");
    assert_eq!(client.info("errorstat_ERR").as_deref(), Some("count=1"));
    assert_eq!(client.info("errorstat_WRONGTYPE").as_deref(), Some("count=2"));
    assert_eq!(client.info_number("total_error_replies"), 3);
}

#[test]
fn subcommands_and_aliases_are_counted_separately() {
    let node = TestNode::started();
    let mut client = node.client();
    client.ask("CONFIG GET port");
    client.ask("client id");
    client.ask("UNLINK k");
    for (name, calls) in [("config|get", 1), ("client|id", 1), ("unlink", 1)] {
        let stats = client.info(&format!("cmdstat_{name}")).unwrap_or_else(|| panic!("{name}"));
        assert!(stats.starts_with(&format!("calls={calls},")), "{name}: {stats}");
        assert!(client.info(&format!("latency_percentiles_usec_{name}")).is_some(), "{name}");
    }
    assert_eq!([client.info("cmdstat_config"), client.info("cmdstat_del")], [None, None]);
    let told = client.ask("LATENCY HISTOGRAM config|get");
    assert_eq!(*field(field(&told, "config|get"), "calls"), Value::Integer(1));
    // The name of a container selects all of its subcommands, as in Redis.
    let told = client.ask("LATENCY HISTOGRAM client");
    assert_eq!(*field(field(&told, "client|id"), "calls"), Value::Integer(1));

    client.ok("CONFIG SET latency-tracking no");
    assert_eq!(client.ask("LATENCY HISTOGRAM"), Value::Array(Vec::new()));
    assert_eq!(client.info("latency_percentiles_usec_unlink"), None);
    assert!(client.info("cmdstat_unlink").is_some());
}

#[test]
fn lookups_of_keys_are_hits_or_misses() {
    let node = TestNode::started();
    let mut client = node.client();
    client.ok("SET text x");
    client.ok("JSON.SET doc $ 1");
    for line in ["GET text", "GET nosuch", "JSON.GET doc", "MGET text doc nosuch", "EXISTS text nosuch"] {
        client.ask(line);
    }
    let counted =
        |client: &mut Client| ["keyspace_hits", "keyspace_misses"].map(|name| client.info_number(name));
    assert_eq!(counted(&mut client), [5, 3]);
    client.ok("MULTI");
    client.text("GET text");
    client.text("GET nosuch");
    client.ask("EXEC");
    assert_eq!(counted(&mut client), [6, 4]);
    client.ok("SET text y");
    assert_eq!(counted(&mut client), [6, 4], "lookups of writes are not counted");
    client.ok("CONFIG RESETSTAT");
    assert_eq!(counted(&mut client), [0, 0]);
}

#[test]
fn info_reports_what_connections_hold_watch_and_cache() {
    let node = TestNode::started();
    let (mut client, mut other) = (node.client(), node.client());
    let names = ["total_watched_keys", "watching_clients", "tracking_total_keys", "tracking_total_items"];
    let told = |client: &mut Client| names.map(|name| client.info_number(name));
    assert_eq!(told(&mut client), [0; 4]);
    other.ok("WATCH a b");
    client.ok("CLIENT TRACKING ON");
    other.ok("CLIENT TRACKING ON");
    client.ask("MGET a b");
    other.ask("GET a");
    assert_eq!(told(&mut client), [2, 1, 2, 3]);
    assert_eq!(client.info_number("tracking_total_prefixes"), 0);
    client.ok("CLIENT TRACKING OFF");
    client.ok("CLIENT TRACKING ON BCAST PREFIX p: PREFIX q:");
    assert_eq!(client.info_number("tracking_total_prefixes"), 2);

    let reads = client.info_number("total_reads_processed");
    let writes = client.info_number("total_writes_processed");
    client.ok("SET big x");
    client.call(&["SET", "big", &"x".repeat(200_000)]);
    client.ask("GET big");
    assert!(client.info_number("total_reads_processed") >= reads + 4);
    assert!(client.info_number("total_writes_processed") >= writes + 4);
    assert!(client.info_number("client_recent_max_input_buffer") >= 100_000);
    assert!(client.info_number("client_recent_max_output_buffer") >= 200_000);
    assert!(client.info_number("mem_clients_normal") > 0);
    let memory = ["used_memory_rss", "allocator_resident", "used_memory_overhead"];
    let [resident, allocated, overhead] = memory.map(|name| client.info_number(name));
    assert!(0 < allocated && allocated < resident && 0 < overhead && overhead <= resident);
}

#[test]
fn client_info_shows_what_a_connection_sent_and_its_state() {
    let node = TestNode::started();
    let mut client = node.client();
    let line = client.text("CLIENT INFO");
    let value = |line: &str, name: &str| {
        let found = line.trim_end().split(' ').find_map(|field| field.strip_prefix(name)?.strip_prefix('='));
        found.unwrap_or_else(|| panic!("{line} has no {name}")).to_string()
    };
    // The bytes of the request `*2 $6 CLIENT $4 INFO`, with the line breaks.
    let held = ["qbuf", "argv-mem", "multi-mem", "obl", "oll", "omem", "events", "cmd", "flags"];
    let shown = held.map(|name| value(&line, name));
    assert_eq!(shown, ["26", "10", "0", "0", "0", "0", "r", "client|info", "N"], "{line}");
    for name in ["fd", "qbuf-free", "rbs", "rbp", "tot-mem"] {
        assert!(value(&line, name).parse::<u64>().is_ok(), "{name}: {line}");
    }
    let list = format!("CLIENT LIST ID {}", client.integer("CLIENT ID"));
    client.ok("CLIENT NO-EVICT on");
    client.ok("CLIENT NO-TOUCH on");
    assert_eq!(value(&client.text(&list), "flags"), "eT");
    client.ok("CLIENT NO-EVICT off");
    assert_eq!(value(&client.text(&list), "cmd"), "client|list");
    let mut other = node.client();
    client.ok("MULTI");
    client.text("SET k v");
    let queued = value(&other.text(&list), "multi-mem").parse::<u64>().unwrap();
    assert!(queued >= 5, "{queued}");
    client.ask("EXEC");
    assert_eq!(value(&other.text(&list), "multi-mem"), "0");
}

#[test]
fn a_single_node_has_read_consistency_levels_but_no_readonly() {
    let node = TestNode::started();
    let mut client = node.client();
    for line in ["READONLY", "READWRITE"] {
        assert_eq!(client.text(line), "ERR This instance has cluster support disabled");
    }
    client.ok("CLIENT READ-CONSISTENCY local");
}

#[test]
fn a_paused_connection_counts_as_blocked() {
    let node = TestNode::started();
    let (mut client, mut other) = (node.client(), node.client());
    client.ok("CLIENT PAUSE 100000 WRITE");
    other.send(&["SET", "k", "v"]).unwrap();
    until("the write to be held back", || (client.info_number("blocked_clients") == 1).then_some(()));
    client.ok("CLIENT UNPAUSE");
    assert_eq!(other.receive().unwrap().text().map(|text| &text[..]), Some(&b"OK"[..]));
    assert_eq!(client.info_number("blocked_clients"), 0);
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
fn save_replies_once_the_snapshot_exists() {
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
fn a_single_node_has_no_replica_to_wait_for() {
    let node = TestNode::started();
    let mut client = node.client();
    client.ok("JSON.SET k $ 1");
    assert_eq!(client.integer("WAIT 0 0"), 0);
    assert_eq!(client.integer("WAIT 1 0"), 0);
    assert_eq!(client.ask("WAITAOF 1 1 0"), Value::Array(vec![Value::Integer(1), Value::Integer(0)]));
}

#[test]
fn wait_returns_once_the_other_members_have_the_writes() {
    let mut cluster = Cluster::of_three(&[]);
    cluster.lead(1);
    cluster.wait_until_caught_up();
    let mut client = cluster.client(1);
    for number in 0..20 {
        client.ok(&format!("JSON.SET k $ {number}"));
        assert_eq!(client.integer("WAIT 2 10000"), 2);
    }
    assert_eq!(client.integer("WAIT 9 0"), 2, "WAIT does not wait for members that do not exist");
    let mut follower = cluster.client(2);
    follower.ok("JSON.SET k $ 1");
    assert_eq!(
        follower.integer("WAIT 2 10000"),
        1,
        "an acknowledged write is on a majority; a follower knows of no further members"
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
fn containers_list_their_subcommands() {
    let node = TestNode::started();
    let mut client = node.client();
    let listed = words(&client.ask("COMMAND LIST FILTERBY PATTERN slowlog*"));
    assert_eq!(listed, ["slowlog", "slowlog|get", "slowlog|len", "slowlog|reset", "slowlog|help"]);
    let all = words(&client.ask("COMMAND LIST"));
    for name in &all {
        let info = client.ask(&format!("COMMAND INFO {name}"));
        let fields = info.items().unwrap()[0].items().unwrap_or_else(|| panic!("{name} is missing"));
        assert_eq!(fields[0].text().unwrap(), name.as_bytes());
        let docs = client.ask(&format!("COMMAND DOCS {name}"));
        assert_eq!(docs.items().unwrap()[0].text().unwrap(), name.as_bytes());
    }
    let help = words(&client.ask("SLOWLOG HELP"));
    assert_eq!(help[0], "SLOWLOG <subcommand> [argument ...], with one of these subcommands:");
    assert_eq!(help.len(), 5);
}

#[test]
fn fast_commands_are_not_in_the_slow_log() {
    let node = TestNode::started();
    let mut client: Client = node.client();
    client.text("PING");
    // On a busy machine, some commands may have been slow; their entries have all fields.
    for entry in client.ask("SLOWLOG GET -1").items().unwrap() {
        let fields = entry.items().unwrap();
        assert_eq!(fields.len(), 6);
        assert!(number(&fields[2]) >= 10_000, "{entry:?}");
    }
    client.ok("SLOWLOG RESET");
    assert!(client.integer("SLOWLOG LEN") <= 1);
}
