//! The data directories of earlier releases: `tests/formats/<release>/data` is one of a single
//! node, with a snapshot and a log after it, and `reads.txt` has what clients found in it.
//!
//! The files are made once for a release, by its own server, and never changed:
//! `JSONVAULT_RELEASE=v0.2 cargo test --test it formats -- --ignored`.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use jsonvault::resp::Value;

use crate::harness::node::copy_dir;
use crate::harness::wait::until;
use crate::harness::{Client, TestNode};

/// Length of a segment in these files: without the zeros that fill it up to 64 MiB.
const SEGMENT_BYTES: u64 = 128 << 10;

/// Requests that leave every kind of value behind; a snapshot is taken after them.
const BEFORE_THE_SNAPSHOT: &[&str] = &[
    r#"JSON.SET document $ {"text":"ä","list":[0,-1,1.5,1e300,true,null],"deep":{"a":{"b":[]}}}"#,
    "SET text value",
    "SET expiring value PXAT 4102444800000",
    "SET number 41",
    "RPUSH list a b c",
    "SADD set a b c",
    "HSET hash f 1 g 2",
    "ZADD sorted 1 a 2.5 b -inf c",
    "SET removed 1",
];

/// Requests that only the log has.
const AFTER_THE_SNAPSHOT: &[&str] = &[
    "INCR number",
    "DEL removed",
    "JSON.NUMINCRBY document $.list[2] 1",
    "LPUSH list z",
    "MULTI",
    "HINCRBY hash f 5",
    "GET number",
    "EXEC",
    "COPY text copied",
];

const READS: &[&str] = &[
    "DBSIZE",
    "JSON.GET document",
    "GET text",
    "GET copied",
    "PEXPIRETIME expiring",
    "GET number",
    "LRANGE list 0 -1",
    "SMEMBERS set",
    "HGETALL hash",
    "ZRANGE sorted 0 -1 WITHSCORES",
    "EXISTS removed",
];

fn formats() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/formats")
}

/// The words of these requests contain quotes, and no spaces.
fn ask(client: &mut Client, line: &str) -> Value {
    client.call(&line.split(' ').collect::<Vec<_>>())
}

fn reads(client: &mut Client) -> String {
    READS.iter().map(|line| format!("{line}: {:?}\n", ask(client, line))).collect()
}

#[test]
fn a_data_directory_of_each_release_opens_with_all_that_was_put_in() {
    let releases: Vec<PathBuf> =
        fs::read_dir(formats()).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(!releases.is_empty());
    for release in releases {
        let mut node = TestNode::new();
        copy_dir(&release.join("data"), node.dir());
        let expected = fs::read_to_string(release.join("reads.txt")).unwrap();
        node.start();
        assert!(node.messages().contains("restored the newest snapshot"), "{}", node.messages());
        assert_eq!(reads(&mut node.client()), expected, "{}", release.display());
        node.client().ok("SET text new");
        node.kill_and_restart();
        assert_eq!(node.client().text("GET text"), "new");
    }
}

#[test]
#[ignore = "makes files that are never made again"]
fn make_the_files_of_this_release() {
    let release = std::env::var("JSONVAULT_RELEASE").expect("the name of the release, such as v0.2");
    let target = formats().join(release);
    assert!(!target.join("data").exists(), "{} exists already", target.display());
    let mut node = TestNode::started();
    let mut client = node.client();
    BEFORE_THE_SNAPSHOT.iter().for_each(|line| drop(ask(&mut client, line)));
    let index = client.info_number("last_applied");
    client.text("BGSAVE");
    until("the snapshot", || (client.info_number("snapshot_index") >= index).then_some(()));
    AFTER_THE_SNAPSHOT.iter().for_each(|line| drop(ask(&mut client, line)));
    let found = reads(&mut client);
    node.stop();
    for path in node.segments() {
        let bytes = fs::read(&path).unwrap();
        assert!(bytes[SEGMENT_BYTES as usize..].iter().all(|byte| *byte == 0), "{}", path.display());
        File::options().write(true).open(&path).unwrap().set_len(SEGMENT_BYTES).unwrap();
    }
    fs::remove_file(node.dir().join("lock")).unwrap();
    copy_dir(node.dir(), &target.join("data"));
    fs::write(target.join("reads.txt"), found).unwrap();
}
