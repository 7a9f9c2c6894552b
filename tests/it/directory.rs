//! A node that cannot start reports the reason, and changes nothing on disk.

use std::net::TcpListener;

use crate::harness::TestNode;
use crate::harness::node::Ended;

fn refused(node: &mut TestNode) -> Ended {
    let ended = node.try_start().expect_err("the node must not start");
    let code = ended.status.code().expect("it exits without a signal");
    assert_ne!(code, 0, "{}", ended.messages);
    assert!(ended.messages.lines().any(|line| line.starts_with("server: ")), "{}", ended.messages);
    ended
}

#[test]
fn a_second_process_on_the_same_directory_is_refused() {
    let first = TestNode::started();
    first.client().ok("JSON.SET k $ 1");
    let messages = refused(&mut TestNode::in_dir(first.dir())).messages;
    let expected = format!("{}: another process uses this data directory", first.dir().display());
    assert!(messages.contains(&expected), "{messages}");
    first.client().ok("JSON.SET k $ 2");
}

#[test]
fn the_directory_of_another_node_is_refused() {
    let mut first = TestNode::started();
    first.client().ok("JSON.SET k $ 1");
    first.stop();
    let messages = refused(&mut TestNode::in_dir(first.dir()).with(&["--node-id", "2"])).messages;
    let expected = format!("{}: it belongs to node 1, and this is node 2", first.dir().display());
    assert!(messages.contains(&expected), "{messages}");
    first.start();
    assert_eq!(first.client().text("JSON.GET k"), "1");
}

#[test]
fn a_port_in_use_is_named_and_no_directory_is_made() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    // `--raft-address` is set because the default port, 10000 above the client port, may not exist.
    let mut node = TestNode::new().with(&["--address", &address, "--raft-address", "127.0.0.1:1"]);
    let messages = refused(&mut node).messages;
    assert!(messages.contains(&format!("{address}: the port is in use")), "{messages}");
    assert!(!node.dir().exists());
}

#[test]
fn a_directory_that_cannot_be_made_is_named() {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("file");
    std::fs::write(&file, "").unwrap();
    let dir = file.join("data");
    let messages = refused(&mut TestNode::in_dir(&dir)).messages;
    assert!(messages.contains(&format!("{}: creating the directory failed", dir.display())), "{messages}");
}

#[test]
fn an_unknown_setting_is_refused() {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("jsonvault.conf");
    std::fs::write(&file, "maxclients 7\nmax-clients 8\n").unwrap();
    let mut node = TestNode::new().with(&["--config", file.to_str().unwrap()]);
    let messages = refused(&mut node).messages;
    assert!(messages.contains("line 2: unknown setting \"max-clients\""), "{messages}");
}
