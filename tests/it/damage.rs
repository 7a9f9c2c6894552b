//! Checks how a node treats a damaged log: a torn tail is cut off and reported, and any other
//! damage stops the node.
//!
//! The tests read the files with a reader of their own (a header of 64 bytes, then records with a
//! header of 32 bytes and a padded payload), so that an unintended change of the format makes them
//! fail.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use crate::harness::TestNode;
use crate::harness::documents::{document, set_request};

const ENTRY: u8 = 2;

struct Record {
    offset: u64,
    size: u64,
    payload: u64,
    kind: u8,
}

/// Reads the records of a segment, in order.
fn records(path: &Path) -> Vec<Record> {
    let bytes = std::fs::read(path).unwrap();
    assert!(bytes.starts_with(b"JVLOGSEG"));
    let mut found = Vec::new();
    let mut offset = 64;
    while offset + 32 <= bytes.len() && bytes[offset + 28] != 0 {
        let payload = u32::from_le_bytes(bytes[offset..offset + 4].try_into().unwrap()) as usize;
        let size = (32 + payload).next_multiple_of(8);
        found.push(Record {
            offset: offset as u64,
            size: size as u64,
            payload: payload as u64,
            kind: bytes[offset + 28],
        });
        offset += size;
    }
    found
}

/// The segment that is written to: the last one that has a record.
fn last_segment(node: &TestNode) -> PathBuf {
    let used = |path: &PathBuf| !records(path).is_empty();
    node.segments().into_iter().rev().find(used).expect("a log has records")
}

fn write_at(path: &Path, offset: u64, bytes: &[u8]) {
    let file = File::options().write(true).open(path).unwrap();
    file.write_all_at(bytes, offset).unwrap();
    file.sync_all().unwrap();
}

fn flip(path: &Path, offset: u64) {
    let file = File::open(path).unwrap();
    let mut byte = [0];
    file.read_exact_at(&mut byte, offset).unwrap();
    write_at(path, offset, &[byte[0] ^ 0x20]);
}

/// A node with the documents `k:0` to `k:9`, each in a separate entry.
fn with_ten_documents() -> TestNode {
    let node = TestNode::started();
    let mut client = node.client();
    for number in 0..10 {
        assert_eq!(client.call(&set_request(&format!("k:{number}"))).text().unwrap(), &b"OK"[..]);
    }
    node
}

fn assert_holds(node: &TestNode, documents: usize) {
    let mut client = node.client();
    assert_eq!(client.integer("DBSIZE"), documents as i64);
    for key in (0..documents).map(|number| format!("k:{number}")) {
        assert_eq!(client.text(&format!("JSON.GET {key}")), document(&key));
    }
}

/// Starts a node whose log is damaged at `offset`, and checks that it reports this and stops.
fn assert_stops(mut node: TestNode, path: &Path, offset: u64) {
    let ended = node.try_start().expect_err("a damaged log stops the node");
    assert_ne!(ended.status.code().expect("it exits without a signal"), 0);
    let expected = format!("{}: damaged at byte {offset}:", path.display());
    assert!(ended.messages.contains(&expected), "{expected} not in:\n{}", ended.messages);
}

#[test]
fn what_was_written_of_an_unfinished_record_is_cut_and_told() {
    let mut node = with_ten_documents();
    node.kill();
    let path = last_segment(&node);
    let last = records(&path).pop().unwrap();
    let end = last.offset + last.size;
    write_at(&path, end, &[0xA5; 100]);
    node.start();
    let messages = node.messages();
    let told = messages.lines().find(|line| line.contains(" WARN ") && line.contains(path.to_str().unwrap()));
    assert!(told.is_some_and(|line| line.contains(&end.to_string())), "{messages}");
    assert_holds(&node, 10);
    // The cut is permanent, so the next start has nothing to report.
    node.client().ok("JSON.SET after $ 1");
    node.kill_and_restart();
    assert!(!node.messages().contains(" WARN "), "{}", node.messages());
    assert_eq!(node.client().integer("DBSIZE"), 11);
}

#[test]
fn a_last_entry_that_is_torn_is_cut_and_all_before_it_is_there() {
    let mut node = with_ten_documents();
    node.kill();
    let path = last_segment(&node);
    let mut all = records(&path);
    let end = all.last().map(|last| last.offset + last.size).unwrap();
    let torn = loop {
        let record = all.pop().expect("there is an entry");
        if record.kind == ENTRY {
            break record;
        }
    };
    // Simulates that half of the record, and nothing after it, reached the disk.
    let half = torn.offset + 32 + torn.payload / 2;
    write_at(&path, half, &vec![0; (end - half) as usize]);
    node.start();
    assert!(node.messages().contains(&torn.offset.to_string()), "{}", node.messages());
    assert_holds(&node, 9);
    node.client().ok("JSON.SET after $ 1");
    node.kill_and_restart();
    assert_eq!(node.client().integer("DBSIZE"), 10);
}

#[test]
fn a_flipped_byte_before_the_end_stops_the_node_with_path_and_offset() {
    let mut node = with_ten_documents();
    node.kill();
    let path = last_segment(&node);
    let entries: Vec<Record> = records(&path).into_iter().filter(|record| record.kind == ENTRY).collect();
    let damaged = &entries[entries.len() / 2];
    flip(&path, damaged.offset + 32 + damaged.payload / 2);
    assert_stops(node, &path, damaged.offset);
}

#[test]
fn a_flipped_byte_in_the_last_entry_stops_a_node_that_had_stopped_cleanly() {
    let mut node = with_ten_documents();
    node.stop();
    let path = last_segment(&node);
    let last = records(&path).into_iter().rfind(|record| record.kind == ENTRY).unwrap();
    flip(&path, last.offset + 32);
    assert_stops(node, &path, last.offset);
}

#[test]
fn a_damaged_header_of_a_segment_stops_the_node() {
    let mut node = with_ten_documents();
    node.stop();
    let path = node.segments().remove(0);
    flip(&path, 20);
    assert_stops(node, &path, 0);
}

#[test]
fn a_damaged_node_file_stops_the_node() {
    let mut node = with_ten_documents();
    node.stop();
    let path = node.dir().join("node");
    flip(&path, 8);
    assert_stops(node, &path, 0);
}
