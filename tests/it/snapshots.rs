//! Tests restarts from a snapshot and the log after it.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;

use crate::harness::documents::{Ledger, set_request};
use crate::harness::wait::until;
use crate::harness::{Client, TestNode};

/// Writes documents one at a time, so that each is a separate entry.
fn write(client: &mut Client, ledger: &mut Ledger, prefix: &str, documents: usize) {
    for key in (0..documents).map(|number| format!("{prefix}:{number}")) {
        let reply = client.call(&set_request(&key));
        assert_eq!(reply.text().unwrap(), &b"OK"[..]);
        ledger.sent(key.clone());
        ledger.acknowledged(&key);
    }
}

/// Waits until a snapshot contains the entry at `index` and no other is being taken. Returns the
/// index of the newest snapshot.
fn wait_for_snapshot(client: &mut Client, index: i64) -> i64 {
    until("a snapshot", || {
        let newest = client.info_number("snapshot_index");
        (newest >= index && client.info_number("rdb_bgsave_in_progress") == 0).then_some(newest)
    })
}

fn damage_middle(path: &Path) {
    let file = File::options().read(true).write(true).open(path).unwrap();
    let middle = file.metadata().unwrap().len() / 2;
    let mut byte = [0];
    file.read_exact_at(&mut byte, middle).unwrap();
    file.write_all_at(&[byte[0] ^ 1], middle).unwrap();
}

#[test]
fn a_restart_from_snapshot_and_log_finds_everything() {
    let mut node = TestNode::new().with(&["--snapshot-log-entries", "300"]);
    node.start();
    let mut ledger = Ledger::default();
    for round in 0..3 {
        let mut client = node.client();
        let first = client.info_number("last_log_index");
        write(&mut client, &mut ledger, &format!("r{round}"), 700);
        wait_for_snapshot(&mut client, first + 1);
        node.kill_and_restart();
        assert!(node.messages().contains("restored the newest snapshot"), "{}", node.messages());
        ledger.check(&mut node.client());
    }
    assert!(node.client().info_number("purged_index") > 0, "the log is purged after a snapshot");
    assert!(node.snapshots().len() <= 2, "{:?}", node.snapshots());
}

#[test]
fn deleted_and_overwritten_documents_stay_so_after_a_snapshot() {
    let mut node = TestNode::started();
    let mut client = node.client();
    client.ok("JSON.MSET kept $ 1 changed $ 1 deleted $ 1");
    let index = client.info_number("last_applied");
    client.text("BGSAVE");
    wait_for_snapshot(&mut client, index);
    client.ok("JSON.SET changed $ 2");
    assert_eq!(client.integer("DEL deleted"), 1);
    client.ok("JSON.SET added $ 1");
    node.kill_and_restart();
    let mut client = node.client();
    let values: Vec<String> =
        ["kept", "changed", "added"].map(|key| client.text(&format!("JSON.GET {key}"))).to_vec();
    assert_eq!(values, ["1", "2", "1"]);
    assert_eq!(client.integer("DBSIZE"), 3);
}

#[test]
fn no_snapshot_begins_while_another_is_taken() {
    let node = TestNode::started();
    let mut client = node.client();
    for number in 0..20 {
        client.ok(&format!("SET k:{number} {}", "x".repeat(1 << 20)));
    }
    let mut begun = 0;
    until("a request to be refused", || match client.text("BGSAVE").as_str() {
        "ERR Background save already in progress" => Some(()),
        told => {
            assert_eq!(told, "Background saving started");
            begun += 1;
            None
        }
    });
    assert!(begun > 0);
}

#[test]
fn the_log_is_bounded_by_size_and_by_count() {
    const DOCUMENT_BYTES: usize = 200 << 10;
    let mut node =
        TestNode::new().with(&["--snapshot-log-entries", "400", "--snapshot-log-bytes", "60000000"]);
    node.start();
    let mut client = node.client();
    let document = format!("\"{}\"", "x".repeat(DOCUMENT_BYTES));
    let write = |client: &mut Client, numbers: std::ops::Range<usize>| {
        for number in numbers {
            let key = format!("k:{}", number % 7);
            assert_eq!(client.call(&["JSON.SET", &key, "$", &document]).text().unwrap(), &b"OK"[..]);
        }
    };
    // The same few keys are overwritten, so the state stays small while the log grows.
    write(&mut client, 0..2600);
    // The node keeps the log since the older of two snapshots, at most seven segments of 64 MiB.
    // The log is purged only when the next snapshot is taken, so the writes continue.
    until("the log to be purged", || {
        write(&mut client, 0..50);
        let bounded = client.info_number("log_segments") <= 7 && client.info_number("log_entries") <= 1800;
        bounded.then_some(())
    });
    let first = node.segments()[0].file_name().unwrap().to_owned();
    assert_ne!(first, "00000000000000000001.log");
    node.kill_and_restart();
    let mut client = node.client();
    assert_eq!(client.integer("DBSIZE"), 7);
    assert_eq!(client.text("JSON.GET k:6").len(), document.len());
}

#[test]
fn a_damaged_newest_snapshot_is_skipped_for_the_one_before() {
    let mut node = TestNode::new().with(&["--snapshot-log-entries", "300"]);
    node.start();
    let mut ledger = Ledger::default();
    let mut client = node.client();
    write(&mut client, &mut ledger, "first", 400);
    let first = wait_for_snapshot(&mut client, 1);
    write(&mut client, &mut ledger, "second", 400);
    wait_for_snapshot(&mut client, first + 1);
    node.kill();
    let snapshots = node.snapshots();
    assert_eq!(snapshots.len(), 2, "two snapshots are kept");
    damage_middle(&snapshots[1]);
    node.start();
    assert!(node.messages().contains("skipping a damaged snapshot"), "{}", node.messages());
    assert!(node.messages().contains(snapshots[1].to_str().unwrap()), "{}", node.messages());
    ledger.check(&mut node.client());
}

#[test]
fn a_damaged_snapshot_never_replaces_a_good_one() {
    let mut node = TestNode::started();
    let mut ledger = Ledger::default();
    for round in ["first", "second", "third"] {
        let mut client = node.client();
        write(&mut client, &mut ledger, round, 50);
        let index = client.info_number("last_applied");
        client.text("BGSAVE");
        wait_for_snapshot(&mut client, index);
        // Waits for the purge, which comes a moment after the snapshot; without it, the log would
        // still have the entries.
        std::thread::sleep(std::time::Duration::from_millis(600));
        node.kill();
        if round != "first" {
            damage_middle(node.snapshots().last().unwrap());
        }
        node.start();
        ledger.check(&mut node.client());
    }
    let aside = std::fs::read_dir(node.dir().join("group-0/snapshots")).unwrap();
    let names = aside.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    assert_eq!(names.filter(|name| name.ends_with(".snap.damaged")).count(), 2);
}

#[test]
fn a_node_without_a_good_snapshot_for_its_purged_log_stops() {
    let mut node = TestNode::new().with(&["--snapshot-log-entries", "300"]);
    node.start();
    let mut client = node.client();
    write(&mut client, &mut Ledger::default(), "k", 1600);
    until("the log to be purged", || (client.info_number("purged_index") > 0).then_some(()));
    node.kill();
    let snapshots = node.snapshots();
    snapshots.iter().for_each(|path| damage_middle(path));
    let ended = node.try_start().expect_err("a state with a gap must not be served");
    assert_ne!(ended.status.code().expect("it exits without a signal"), 0);
    assert!(ended.messages.contains("no intact snapshot has"), "{}", ended.messages);
    for path in snapshots {
        assert!(ended.messages.contains(path.to_str().unwrap()), "{}", ended.messages);
    }
}
