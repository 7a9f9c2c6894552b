//! What strangers send to the port for other nodes is refused, told once, and does no harm.

use std::io::{Read, Write};
use std::net::TcpStream;

use crate::harness::TestNode;
use crate::harness::wait::until;

/// Where other nodes would connect.
fn raft_address(node: &TestNode) -> String {
    let info = node.client().text("INFO raft");
    let (_, rest) = info.split_once("raft_address=").expect("a node tells where it is reached");
    rest.split(',').next().unwrap().to_owned()
}

/// Whether the node ends a connection on which this came.
fn is_hung_up_on(address: &str, bytes: &[u8]) -> bool {
    let mut stream = TcpStream::connect(address).unwrap();
    // It may have hung up before all was sent.
    let _ = stream.write_all(bytes);
    !matches!(stream.read(&mut [0; 64]), Ok(1..))
}

#[test]
fn strangers_are_refused_and_told_of_once() {
    let node = TestNode::started();
    let address = raft_address(&node);
    let frames: [&[u8]; 6] = [
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        b"*1\r\n$4\r\nPING\r\n",
        &[0xff; 64],
        // A length of a gigabyte, and one that is cut short.
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

#[test]
fn a_flood_of_connections_leaves_clients_served() {
    let node = TestNode::started();
    let address = raft_address(&node);
    let rounds = 10;
    for round in 0..rounds {
        let held: Vec<TcpStream> = (0..300).filter_map(|_| TcpStream::connect(&address).ok()).collect();
        node.client().ok(&format!("SET k {round}"));
        drop(held);
    }
    until("the node to forget them", || {
        (node.client().text("GET k") == (rounds - 1).to_string()).then_some(())
    });
}
