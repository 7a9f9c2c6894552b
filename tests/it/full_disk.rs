//! A full disk: writes are refused, nothing is lost, reads continue, and writes resume once there
//! is room.

use std::path::Path;
use std::process::Command;

use jsonvault::resp::Value;

use crate::harness::client::text_of;
use crate::harness::wait::until;
use crate::harness::{Client, Cluster, TestNode};

/// A small file system in memory, which is unmounted on drop.
struct SmallDisk(tempfile::TempDir);

impl SmallDisk {
    /// Mounts a file system of this size; `None` if mounting is not permitted.
    fn mount(mebibytes: u64) -> Option<SmallDisk> {
        let dir = tempfile::tempdir().unwrap();
        let size = format!("size={mebibytes}m");
        let mount =
            Command::new("mount").args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(dir.path()).output();
        match mount {
            Ok(output) if output.status.success() => Some(SmallDisk(dir)),
            other => {
                println!("skipped: a tmpfs can't be mounted here: {other:?}");
                None
            }
        }
    }

    fn path(&self) -> &Path {
        self.0.path()
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.path()).status();
    }
}

/// Sets a key to a string of `bytes` bytes.
fn set(client: &mut Client, key: &str, bytes: usize) -> Result<(), String> {
    match client.call(&["JSON.SET", key, "$", &format!("\"{}\"", "x".repeat(bytes))]) {
        Value::Error(line) => Err(line),
        reply => {
            assert_eq!(text_of(&reply).unwrap(), "OK");
            Ok(())
        }
    }
}

#[test]
fn a_full_disk_refuses_writes_loses_nothing_and_heals_by_itself() {
    // The disk has room for the first segment but, with the ballast, not for a second one.
    let Some(disk) = SmallDisk::mount(170) else { return };
    let ballast = disk.path().join("ballast");
    std::fs::write(&ballast, vec![1; 70 << 20]).unwrap();
    let mut node = TestNode::in_dir(&disk.path().join("data"));
    node.start();
    let mut client = node.client();
    let mut stored = 0;
    let refusal = loop {
        match set(&mut client, &format!("k:{stored}"), 1 << 20) {
            Ok(()) => stored += 1,
            Err(line) => break line,
        }
        assert!(stored < 170, "no more is stored than the disk has room for");
    };
    assert!(stored > 10, "{refusal}");
    assert!(refusal.starts_with("MISCONF the disk refuses writes; nothing was changed: "), "{refusal}");

    // The refused write changed nothing, reads continue, and writes are still refused.
    assert_eq!(client.integer("DBSIZE"), stored);
    assert_eq!(client.ask(&format!("JSON.GET k:{stored}")), Value::Null);
    assert_eq!(client.text("JSON.TYPE k:0"), "string");
    assert!(set(&mut client, "again", 1 << 20).unwrap_err().starts_with("MISCONF "));
    assert_eq!(client.text("PING"), "PONG");

    std::fs::remove_file(&ballast).unwrap();
    until("the node to accept writes again", || set(&mut client, "again", 1 << 20).ok());
    node.kill_and_restart();
    let mut client = node.client();
    assert_eq!(client.integer("DBSIZE"), stored + 1);
    for key in (0..stored).map(|number| format!("k:{number}")).chain(["again".to_owned()]) {
        assert_eq!(client.text(&format!("JSON.GET {key}")).len(), (1 << 20) + 2, "{key}");
    }
}

#[test]
fn a_snapshot_that_finds_no_room_is_given_up_and_the_node_goes_on() {
    let Some(disk) = SmallDisk::mount(240) else { return };
    let mut node = TestNode::in_dir(&disk.path().join("data")).with(&["--snapshot-log-entries", "60"]);
    node.start();
    let mut client = node.client();
    for number in 0..40 {
        set(&mut client, &format!("k:{number}"), 1 << 20).unwrap();
    }
    // Both segments of the log exist already, so 12 MB are left for a snapshot of 40 MB.
    let ballast = disk.path().join("ballast");
    until("both segments", || (node.segments().len() == 2).then_some(()));
    std::fs::write(&ballast, vec![1; 100 << 20]).unwrap();
    client.text("BGSAVE");
    until("the attempt to fail", || (client.info("rdb_last_bgsave_status")? == "err").then_some(()));
    // A snapshot is due after 60 entries, and these writes are many more. After a failure, the node
    // does not try again at each of them.
    for number in 0..300 {
        client.ok(&format!("JSON.SET small:{number} $ 1"));
    }
    let gave_up = node.messages().matches("could not take a snapshot").count();
    assert!((1..=2).contains(&gave_up), "{}", node.messages());
    assert_eq!(node.snapshots().len(), 0);

    std::fs::remove_file(&ballast).unwrap();
    client.text("BGSAVE");
    until("a snapshot", || (client.info_number("snapshot_index") > 300).then_some(()));
    assert_eq!(client.info("rdb_last_bgsave_status").unwrap(), "ok");
    node.kill_and_restart();
    assert_eq!(node.client().integer("DBSIZE"), 340);
}

#[test]
fn concurrent_writers_on_a_full_disk_get_true_answers() {
    let Some(disk) = SmallDisk::mount(170) else { return };
    let ballast = disk.path().join("ballast");
    std::fs::write(&ballast, vec![1; 70 << 20]).unwrap();
    let mut node = TestNode::in_dir(&disk.path().join("data"));
    node.start();
    let address = node.address();
    let outcomes: Vec<(String, bool)> = std::thread::scope(|scope| {
        let writers: Vec<_> =
            (0..4).map(|writer| scope.spawn(move || write_until_refused(address, writer))).collect();
        writers.into_iter().flat_map(|writer| writer.join().unwrap()).collect()
    });
    let check = |node: &TestNode| {
        let mut client = node.client();
        for (key, stored) in &outcomes {
            let there = client.integer(&format!("EXISTS {key}")) == 1;
            assert_eq!(there, *stored, "{key}");
        }
    };
    check(&node);
    node.kill_and_restart();
    check(&node);
    std::fs::remove_file(&ballast).unwrap();
    let mut client = node.client();
    until("the node to accept writes again", || set(&mut client, "again", 1000).ok());
}

/// Writes until three writes are refused; returns each key and whether it was stored.
fn write_until_refused(address: &str, writer: usize) -> Vec<(String, bool)> {
    let mut client = Client::connect(address);
    let mut outcomes = Vec::new();
    while outcomes.iter().filter(|(_, stored)| !stored).count() < 3 {
        let key = format!("w{writer}:{}", outcomes.len());
        let outcome = set(&mut client, &key, 100 << 10);
        if let Err(line) = &outcome {
            assert!(line.starts_with("MISCONF "), "{line}");
        }
        outcomes.push((key, outcome.is_ok()));
    }
    outcomes
}

/// Fills the disk of the follower `full` in a cluster of three. Returns the path of the file that
/// fills it.
fn filled(cluster: &Cluster, disk: &SmallDisk, full: u64) -> std::path::PathBuf {
    let ballast = disk.path().join("ballast");
    let free = Command::new("df").args(["--output=avail", "-B1"]).arg(disk.path()).output().unwrap();
    let free = String::from_utf8(free.stdout).unwrap();
    let free: usize = free.lines().last().unwrap().trim().parse().unwrap();
    // The node may have used some of the space meanwhile, so the file takes as much as it gets.
    match std::fs::write(&ballast, vec![1; free]) {
        Err(error) if error.kind() != std::io::ErrorKind::StorageFull => panic!("{error}"),
        Ok(()) | Err(_) => {}
    }
    let mut client = cluster.client(cluster.leader());
    let behind = || cluster.client(full).info_number("last_applied");
    let mut number = 0;
    // The other two nodes are a majority and accept the writes.
    until("the follower's disk to be full", || {
        if set(&mut client, &format!("k:{number}"), 1 << 20).is_err() {
            // On a busy machine, the node with the full disk may have been elected meanwhile.
            cluster.lead(1);
        }
        number += 1;
        (behind() + 20 < client.info_number("last_applied")).then_some(())
    });
    ballast
}

#[test]
fn a_follower_without_room_answers_reads_takes_no_part_and_catches_up_by_itself() {
    let Some(disk) = SmallDisk::mount(200) else { return };
    let mut cluster = Cluster::new();
    cluster.found(3, &[]);
    *cluster.node(3) = cluster.moved_to(3, &disk.path().join("data"));
    cluster.start_all(3);
    cluster.lead(1);
    let ballast = filled(&cluster, &disk, 3);

    // Reads through the full node return writes that the others have acknowledged, also in a
    // transaction. Writes through it succeed.
    let (mut there, mut leader) = (cluster.client(3), cluster.client(1));
    leader.ok("SET new 1");
    assert_eq!(there.text("GET new"), "1");
    there.ok("SET newer 1");
    assert_eq!(there.text("GET newer"), "1");
    there.ok("MULTI");
    there.text("GET new");
    assert_eq!(there.ask("EXEC").items().map(<[Value]>::len), Some(1));
    assert_eq!(there.integer("DBSIZE"), leader.integer("DBSIZE"));

    // The leader retries, and the full node replies each time, so connections do not accumulate.
    let before = leader.info_number("commit_index");
    until("the group to make progress", || {
        leader.ok("SET more 1");
        (leader.info_number("commit_index") > before + 500).then_some(())
    });
    let said = cluster.node(3).messages();
    assert!(said.contains("the disk has no room for the leader's entries"), "{said}");
    assert!(!said.contains("too many connections"), "{said}");
    let open = std::fs::read_dir(format!("/proc/{}/fd", cluster.node(3).pid())).unwrap().count();
    assert!(open < 100, "{open} files are open");

    std::fs::remove_file(&ballast).unwrap();
    cluster.wait_until_caught_up();
    cluster.assert_digests_agree();
}

#[test]
fn a_client_that_caches_keeps_nothing_that_a_node_without_room_cannot_tell_of() {
    let Some(disk) = SmallDisk::mount(200) else { return };
    let mut cluster = Cluster::new();
    cluster.found(3, &[]);
    *cluster.node(3) = cluster.moved_to(3, &disk.path().join("data"));
    cluster.start_all(3);
    cluster.lead(1);
    let mut caching = cluster.client(3);
    caching.ask("HELLO 3");
    caching.ok("CLIENT TRACKING ON");
    filled(&cluster, &disk, 3);
    let everything = Value::Push(vec![Value::Bulk("invalidate".into()), Value::Null]);
    assert_eq!(caching.ask("GET new"), everything, "the read is an entry that the node has not applied");
    assert_eq!(caching.receive().unwrap(), Value::Null);
    assert_eq!(caching.receive().unwrap(), everything, "after the reply");
    caching.send(&["SET", "new", "1"]).unwrap();
    assert_eq!(caching.receive().unwrap(), everything, "before the reply");
    assert_eq!(caching.receive().unwrap(), Value::Simple("OK".into()));
}
