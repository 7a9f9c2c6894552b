//! Checks that INFO has the fields on which operators and exporters rely.

use std::collections::BTreeMap;

use crate::harness::wait::until;
use crate::harness::{Client, TestNode};

/// Sections and their fields. A field marked with `*` may be any text; all others are whole
/// numbers.
const PROMISED: &[(&str, &str)] = &[
    (
        "Server",
        "redis_version* server_name* jsonvault_version* redis_mode* os* arch_bits process_id run_id* tcp_port \
         uptime_in_seconds uptime_in_days executable* config_file*",
    ),
    ("Clients", "connected_clients maxclients blocked_clients"),
    ("Memory", "used_memory used_memory_rss used_memory_human* maxmemory maxmemory_policy*"),
    (
        "Persistence",
        "loading rdb_bgsave_in_progress aof_enabled aof_current_size aof_last_write_status* log_syncs log_writes \
         log_written_bytes log_stalled_no_space",
    ),
    (
        "Stats",
        "total_connections_received total_commands_processed total_net_input_bytes total_net_output_bytes \
         rejected_connections total_error_replies total_protocol_errors",
    ),
    ("Replication", "role* connected_slaves master_replid* master_repl_offset"),
    (
        "Raft",
        "node_id current_term is_leader leader_id state* cluster_size last_log_index last_applied commit_index \
         snapshot_index purged_index log_size_bytes log_segments log_entries proposals_waiting_bytes \
         proposals_in_flight",
    ),
    (
        "Cluster",
        "cluster_enabled cluster_raft_term cluster_raft_commit_index cluster_raft_applied_index \
         cluster_raft_is_leader cluster_size",
    ),
];

type Sections = BTreeMap<String, BTreeMap<String, String>>;

fn sections(client: &mut Client, request: &str) -> Sections {
    let text = client.text(request);
    let mut found = Sections::new();
    let mut section = String::new();
    for line in text.split("\r\n").filter(|line| !line.is_empty()) {
        assert!(!line.contains('\n'), "{line:?} is one line of INFO");
        if let Some(name) = line.strip_prefix("# ") {
            section = name.to_owned();
            found.entry(section.clone()).or_default();
        } else {
            let (name, value) = line.split_once(':').unwrap_or_else(|| panic!("{line:?} is not a field"));
            let before = found.get_mut(&section).unwrap().insert(name.to_owned(), value.to_owned());
            assert_eq!(before, None, "{name} appears once");
        }
    }
    found
}

#[test]
fn info_has_every_promised_field() {
    let node = TestNode::started();
    let mut client = node.client();
    client.ok("JSON.SET k $ 1");
    let told = sections(&mut client, "INFO everything");
    for (section, fields) in PROMISED {
        let section = told.get(*section).unwrap_or_else(|| panic!("there is no section {section}"));
        for field in fields.split_whitespace() {
            let name = field.trim_end_matches('*');
            let value = section.get(name).unwrap_or_else(|| panic!("there is no field {name}"));
            assert!(field.ends_with('*') || value.parse::<i64>().is_ok(), "{name}:{value} is a number");
        }
    }
    assert_eq!(told["Keyspace"]["db0"].split(',').next(), Some("keys=1"));
    assert!(told["Commandstats"]["cmdstat_json.set"].starts_with("calls=1,usec="));
    assert_eq!(told["Server"]["process_id"], node.pid().to_string());
    assert!(node.address().ends_with(&format!(":{}", told["Server"]["tcp_port"])));
    assert_eq!(told["Replication"]["master_replid"].len(), 40);
    assert_eq!(told["Replication"]["role"], "master");
}

#[test]
fn the_fields_of_raft_follow_the_log() {
    let mut node = TestNode::started();
    let mut client = node.client();
    let number = |client: &mut Client, field: &str| client.info_number(field);
    assert_eq!(number(&mut client, "node_id"), 1);
    assert_eq!(number(&mut client, "cluster_size"), 1);
    assert_eq!(client.info("state").as_deref(), Some("Leader"));
    assert_eq!(number(&mut client, "snapshot_index"), -1);
    let (index, term) = (number(&mut client, "last_log_index"), number(&mut client, "current_term"));
    for key in 0..5 {
        client.ok(&format!("JSON.SET k:{key} $ 1"));
    }
    for field in ["last_log_index", "last_applied", "commit_index", "cluster_raft_applied_index"] {
        assert_eq!(number(&mut client, field), index + 5, "{field}");
    }
    assert!(number(&mut client, "log_size_bytes") >= 64 << 20, "a segment is written through before use");
    assert!((1..=2).contains(&number(&mut client, "log_segments")));
    assert!(number(&mut client, "log_entries") > 5);
    node.kill_and_restart();
    let mut client = node.client();
    assert!(number(&mut client, "current_term") >= term, "terms never go back");
    assert!(number(&mut client, "last_applied") >= index + 5);
}

#[test]
fn a_section_is_shown_alone_and_statistics_can_be_reset() {
    let node = TestNode::started();
    let mut client = node.client();
    let only = sections(&mut client, "INFO raft");
    assert_eq!(only.keys().collect::<Vec<_>>(), ["Raft"]);
    assert!(!sections(&mut client, "INFO").contains_key("Commandstats"));
    client.ask("NOSUCH");
    assert!(client.info_number("total_error_replies") >= 1);
    client.ok("CONFIG RESETSTAT");
    assert_eq!(client.info_number("total_error_replies"), 0);
    assert_eq!(sections(&mut client, "INFO nosuch").len(), 0);
}

/// The allocator returns freed memory about once a second, so the peak of the start takes a moment
/// to go.
#[test]
fn an_empty_server_needs_little_memory() {
    let node = TestNode::started();
    let mut client = node.client();
    until("the memory of an empty server", || {
        (client.info_number("allocator_resident") < 40 << 20).then_some(())
    });
}
