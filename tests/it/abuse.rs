//! Malicious and broken clients must not use too much memory, and other clients must be served
//! meanwhile.

use std::io::{Read, Write};
use std::net::TcpStream;

use jsonvault::resp::{Value, encode_request};

use crate::harness::wait::{PATIENCE, until};
use crate::harness::{Client, TestNode};

/// The file descriptors that the test needs in addition to its ends of the connections.
const DESCRIPTORS_SPARE: u64 = 200;
const MIB: u64 = 1 << 20;

/// Measures how much the node's memory grows, as INFO reports it.
struct Growth {
    watcher: Client,
    before: i64,
}

impl Growth {
    fn from_now(node: &TestNode) -> Growth {
        let mut watcher = node.client();
        let before = watcher.info_number("used_memory_rss");
        Growth { watcher, before }
    }

    /// Checks that the memory has grown by at most `bytes_max`, and that another client can write
    /// and read.
    fn assert_below(&mut self, bytes_max: u64, what: &str) {
        self.watcher.ok(r#"JSON.SET bystander $ '{"served":true}'"#);
        assert_eq!(self.watcher.text("JSON.GET bystander $.served"), "[true]", "{what}");
        let grown = self.watcher.info_number("used_memory_rss") - self.before;
        println!("{what}: {grown} bytes more, {bytes_max} allowed");
        assert!(grown < bytes_max as i64, "{what}: {grown} bytes more, {bytes_max} allowed");
    }

    fn wait_for_clients(&mut self, count: usize) {
        until("the connections to be seen", || {
            (self.watcher.info_number("connected_clients") == count as i64 + 1).then_some(())
        });
    }
}

fn connect(node: &TestNode) -> TcpStream {
    let stream = TcpStream::connect(node.address()).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.set_write_timeout(Some(PATIENCE)).unwrap();
    stream
}

/// The maximum number of files that this process may open.
fn descriptors_max() -> u64 {
    let limits = std::fs::read_to_string("/proc/self/limits").unwrap();
    let line = limits.lines().find(|line| line.starts_with("Max open files")).unwrap();
    line.split_whitespace().nth(3).unwrap().parse().unwrap_or(u64::MAX)
}

#[test]
fn thousands_of_idle_connections_cost_little() {
    const CONNECTIONS: u64 = 5000;
    // A larger number would exceed the accept queue, and the connections would be tried again after
    // a second.
    const CONNECTIONS_AT_ONCE: usize = 500;
    // An idle connection has no buffer; it takes only a task, a session and an entry in the
    // registry.
    const BYTES_EACH: u64 = 16 << 10;
    let room = descriptors_max().saturating_sub(DESCRIPTORS_SPARE);
    let count = CONNECTIONS.min(room);
    if count < CONNECTIONS {
        println!("{count} instead of {CONNECTIONS} connections: more files may not be open here");
    }
    let node = TestNode::started();
    let mut growth = Growth::from_now(&node);
    let mut idle: Vec<TcpStream> = Vec::new();
    while idle.len() < count as usize {
        let next = CONNECTIONS_AT_ONCE.min(count as usize - idle.len());
        idle.extend((0..next).map(|_| connect(&node)));
        growth.wait_for_clients(idle.len());
    }
    growth.assert_below(count * BYTES_EACH, "idle connections");
    // The idle connections can still be used.
    for stream in &mut idle {
        stream.write_all(b"PING\r\n").unwrap();
    }
    for stream in &mut idle {
        let mut answer = [0; 7];
        stream.read_exact(&mut answer).unwrap();
        assert_eq!(&answer, b"+PONG\r\n");
    }
    growth.assert_below(count * BYTES_EACH, "connections that were used once");
    drop(idle);
    growth.wait_for_clients(0);
}

#[test]
fn a_client_that_never_reads_costs_little_more_than_a_reply() {
    const CLIENTS: u64 = 20;
    const DOCUMENT_BYTES: u64 = 4 * MIB;
    const REQUESTS: usize = 500;
    // Room for the document as one reply, for the replies that a batch collects in addition, and
    // for the growth of a buffer.
    const BYTES_EACH: u64 = 4 * DOCUMENT_BYTES;
    const _: () = assert!(REQUESTS as u64 * DOCUMENT_BYTES > 100 * BYTES_EACH);
    let node = TestNode::started();
    let mut client = node.client();
    let document = format!("\"{}\"", "x".repeat(DOCUMENT_BYTES as usize - 2));
    assert_eq!(client.call(&["JSON.SET", "big", "$", &document]), Value::Simple("OK".into()));
    let mut growth = Growth::from_now(&node);
    let mut requests = Vec::new();
    (0..REQUESTS).for_each(|_| encode_request(&["JSON.GET", "big"], &mut requests));
    let mut deaf: Vec<TcpStream> = (0..CLIENTS).map(|_| connect(&node)).collect();
    for stream in &mut deaf {
        stream.write_all(&requests).unwrap();
    }
    for stream in &deaf {
        // The first bytes have arrived. The remaining replies cannot be sent, because the client
        // does not read.
        assert_eq!(stream.peek(&mut [0]).unwrap(), 1);
    }
    for _ in 0..20 {
        growth.assert_below(CLIENTS * BYTES_EACH, "clients that never read");
    }
    drop(deaf);
    growth.wait_for_clients(1);
    growth.assert_below(CLIENTS * BYTES_EACH, "after they left");
}

#[test]
fn a_client_whose_reply_is_over_the_limit_is_disconnected() {
    let mut node = TestNode::new();
    node.set(&["--client-output-buffer-limit", "1048576", "--loglevel", "jsonvault=debug,info"]);
    node.start();
    let mut bystander = node.client();
    let document = format!("\"{}\"", "x".repeat(2 << 20));
    assert_eq!(bystander.call(&["JSON.SET", "big", "$", &document]), Value::Simple("OK".into()));
    let mut greedy = node.client();
    greedy.send(&["JSON.GET", "big"]).unwrap();
    assert_eq!(greedy.receive_to_end().unwrap(), b"");
    until("the log to report it", || node.messages().contains("client-output-buffer-limit").then_some(()));
    assert_eq!(bystander.text("PING"), "PONG");
}

#[test]
fn clients_that_stay_over_the_soft_limit_are_cut_off() {
    let mut node = TestNode::new();
    // The waiting output stays above the soft limit, because it is more than the socket takes.
    // There is no hard limit.
    node.set(&["--client-output-buffer-limit", "normal 0 1048576 1 pubsub 0 1048576 1"]);
    node.start();
    let mut bystander = node.client();
    let text = "x".repeat(16 << 20);
    bystander.call(&["SET", "big", &text]);
    let connected = |bystander: &mut Client, count| {
        until("the number of clients to change", || {
            (bystander.info_number("connected_clients") == count).then_some(())
        });
    };

    let mut deaf = node.client();
    (0..4).for_each(|_| deaf.send(&["GET", "big"]).unwrap());
    connected(&mut bystander, 2);
    connected(&mut bystander, 1);

    let mut subscriber = node.client();
    subscriber.call(&["SUBSCRIBE", "channel"]);
    (0..4).for_each(|_| assert_eq!(bystander.call(&["PUBLISH", "channel", &text]), Value::Integer(1)));
    connected(&mut bystander, 1);
    assert_eq!(node.messages().matches("client-output-buffer-limit").count(), 2);
}

#[test]
fn a_request_over_the_limit_is_refused() {
    let mut node = TestNode::new();
    node.set(&["--client-query-buffer-limit", "2097152", "--proto-max-bulk-len", "1048576"]);
    node.set(&["--loglevel", "jsonvault=debug,info"]);
    node.start();
    let mut bystander = node.client();
    let mut greedy = connect(&node);
    let part = "x".repeat(800 << 10);
    let mut request = Vec::new();
    encode_request(&["MSET", "a", &part, "b", &part, "c", &part], &mut request);
    // An error is ignored: the client may be disconnected before it has sent everything.
    let _ = greedy.write_all(&request);
    let mut told = Vec::new();
    let _ = greedy.read_to_end(&mut told);
    until("the log to report it", || node.messages().contains("too big request").then_some(()));
    assert_eq!(bystander.integer("EXISTS a b c"), 0);
    assert_eq!(bystander.info_number("total_protocol_errors"), 1);
    bystander.ok("MSET a 1 b 2 c 3");
}

#[test]
fn clients_that_send_a_byte_at_a_time_delay_no_other() {
    const CLIENTS: usize = 200;
    let node = TestNode::started();
    let mut growth = Growth::from_now(&node);
    let mut slow: Vec<TcpStream> = (0..CLIENTS).map(|_| connect(&node)).collect();
    slow.iter().for_each(|stream| stream.set_nodelay(true).unwrap());
    let requests: Vec<Vec<u8>> = (0..CLIENTS)
        .map(|number| {
            let mut bytes = Vec::new();
            encode_request(&["JSON.SET", &format!("slow:{number:03}"), "$", r#"{"a":1}"#], &mut bytes);
            bytes
        })
        .collect();
    for at in 0..requests[0].len() {
        for (stream, request) in slow.iter_mut().zip(&requests) {
            stream.write_all(&request[at..=at]).unwrap();
        }
        if at + 1 < requests[0].len() {
            assert_eq!(growth.watcher.integer("EXISTS slow:000"), 0, "an incomplete request is not run");
        }
        growth.assert_below(CLIENTS as u64 * MIB / 4, "slow clients");
    }
    for stream in &mut slow {
        let mut answer = [0; 5];
        stream.read_exact(&mut answer).unwrap();
        assert_eq!(&answer, b"+OK\r\n");
    }
    assert_eq!(growth.watcher.integer("DBSIZE"), CLIENTS as i64 + 1);
}

#[test]
fn unfinished_requests_cost_only_what_was_sent() {
    const CLIENTS: u64 = 1000;
    const SENT_EACH: usize = 16 << 10;
    // Room for a read buffer of 64 KiB, as for any long argument, and for a second one while it
    // grows.
    const BYTES_EACH: u64 = 256 << 10;
    // All connections together announce half a terabyte.
    const HEAD: &[u8] = b"*4\r\n$8\r\nJSON.SET\r\n$1\r\nk\r\n$1\r\n$\r\n$536870912\r\n";
    let node = TestNode::started();
    let mut growth = Growth::from_now(&node);
    let mut half: Vec<TcpStream> = (0..CLIENTS).map(|_| connect(&node)).collect();
    growth.watcher.ok("CONFIG RESETSTAT");
    let mut sent = 0;
    for piece in [HEAD, &[b'x'; SENT_EACH][..]] {
        for stream in &mut half {
            stream.write_all(piece).unwrap();
            sent += piece.len() as i64;
        }
        until("the server to have read all of it", || {
            (growth.watcher.info_number("total_net_input_bytes") >= sent).then_some(())
        });
        growth.assert_below(CLIENTS * BYTES_EACH, "requests that claim 512 MiB");
    }
    drop(half);
    growth.wait_for_clients(0);
    assert_eq!(growth.watcher.integer("EXISTS k"), 0);
}
