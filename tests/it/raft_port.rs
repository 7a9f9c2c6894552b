//! Bytes that programs other than nodes send to the Raft port must be refused, reported once, and
//! have no other effect.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::Instant;

use crate::harness::wait::PATIENCE;
use crate::harness::{TestNode, size};

/// The node's address for other nodes.
fn raft_address(node: &TestNode) -> String {
    let info = node.client().text("INFO raft");
    let (_, rest) = info.split_once("raft_address=").expect("INFO raft has the address for nodes");
    rest.split(',').next().unwrap().to_owned()
}

/// Whether the node closes a connection on which these bytes were sent.
fn is_hung_up_on(address: &str, bytes: &[u8]) -> bool {
    let mut stream = TcpStream::connect(address).unwrap();
    // An error is ignored, because the node may close the connection before everything is sent.
    let _ = stream.write_all(bytes);
    !matches!(stream.read(&mut [0; 64]), Ok(1..))
}

#[test]
fn foreign_connections_are_refused_and_reported_once() {
    let node = TestNode::started();
    let address = raft_address(&node);
    let frames: [&[u8]; 6] = [
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        b"*1\r\n$4\r\nPING\r\n",
        &[0xff; 64],
        // A frame that announces a gigabyte, and a truncated frame.
        &[0, 0, 0, 0x40, 1, 2, 3, 4, 0, 0, 0, 0, 0, 0, 0, 0, 7],
        &[8, 0, 0, 0, 1],
        b"",
    ];
    for _ in 0..5 {
        for bytes in frames {
            assert!(is_hung_up_on(&address, bytes), "{bytes:?}");
        }
    }
    let told = node.messages().matches("refused a connection").count();
    assert_eq!(told, 1, "{}", node.messages());
    assert_eq!(node.client().text("PING"), "PONG");
}

/// The maximum number of files that this process may open.
fn files_max() -> usize {
    let limits = std::fs::read_to_string("/proc/self/limits").unwrap();
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files")).expect("there is a limit");
    line.split_whitespace().next().unwrap().parse().unwrap_or(usize::MAX)
}

/// The complete frame of a handshake, as a node of another protocol version would send it.
fn greeting_of_another_version() -> Vec<u8> {
    let hello = (9999_u32, "a cluster", 0_u32, 2_u64, 1_u64, None::<u64>);
    let body = postcard::to_stdvec(&hello).unwrap();
    let number = 0_u64.to_le_bytes();
    let checksum = crc32c::crc32c_append(crc32c::crc32c(&number), &body);
    let length = body.len() as u32;
    [&length.to_le_bytes()[..], &checksum.to_le_bytes(), &number, &body].concat()
}

/// The environment variable `JSONVAULT_CONNECTIONS` sets the number of connections. They are opened
/// in several groups if this process may not open as many files.
#[test]
fn a_flood_of_foreign_connections_leaves_clients_served_and_is_reported_once() {
    let started = Instant::now();
    let node = TestNode::started();
    let address = raft_address(&node);
    let other_version = greeting_of_another_version();
    let frames: [&[u8]; 5] = [
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        // A frame that announces a gigabyte, and a truncated frame.
        &[0, 0, 0, 0x40, 1, 2, 3, 4, 0, 0, 0, 0, 0, 0, 0, 0, 7],
        &other_version[..other_version.len() - 1],
        &other_version,
        // A connection on which nothing is sent.
        b"",
    ];
    let connections = size("JSONVAULT_CONNECTIONS", 1500) as usize;
    // Some files are left for the test itself.
    let at_once = connections.min(files_max() - 100);
    let mut client = node.client();
    for first in (0..connections).step_by(at_once) {
        let count = at_once.min(connections - first);
        let mut held = Vec::with_capacity(count);
        for number in 0..count {
            let mut stream = TcpStream::connect(&address).unwrap();
            // An error is ignored, because the node may have closed the connection already.
            let _ = stream.write_all(frames[number % frames.len()]);
            held.push(stream);
            if number.is_multiple_of(500) {
                client.ok(&format!("SET k {number}"));
                assert_eq!(client.text("GET k"), number.to_string());
            }
        }
        // New clients are served while all of these connections are open, and then each of these is
        // closed.
        node.client().ok(&format!("SET k {first}"));
        for mut stream in held {
            stream.set_read_timeout(Some(PATIENCE)).unwrap();
            let mut answer = Vec::new();
            let ended = stream.read_to_end(&mut answer);
            let hung_up =
                ended.is_ok() || ended.is_err_and(|error| error.kind() == ErrorKind::ConnectionReset);
            assert!(hung_up, "a foreign connection is refused");
        }
    }
    assert_eq!(node.client().text("PING"), "PONG");
    // The log has at most one such message in ten seconds.
    let told = node.messages().matches("refused").count() as u64;
    assert!((1..=1 + started.elapsed().as_secs() / 10).contains(&told), "{}", node.messages());
}
