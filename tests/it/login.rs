//! Authentication: passwords, what unauthenticated clients may do, and the limits for them.

use std::net::UdpSocket;

use jsonvault::resp::{Value, encode_request};

use crate::harness::wait::until;
use crate::harness::{Client, TestNode};

const REQUIRED: &str = "NOAUTH Authentication required.";
const WRONG: &str = "WRONGPASS invalid username-password pair or user is disabled.";

/// A node that requires the password `secret`, with these flags.
fn locked(flags: &[&str]) -> TestNode {
    let mut node = TestNode::new().with(&["--requirepass", "secret"]).with(flags);
    node.log_in_with("secret");
    node.start();
    node
}

#[test]
fn an_unauthenticated_client_gets_nothing() {
    let node = locked(&[]);
    let mut client = node.unauthenticated_client();
    for line in
        ["PING", "JSON.GET k", "JSON.SET k $ 1", "INFO", "COMMAND", "CONFIG GET *", "RAFT.INFO", "ACL WHOAMI"]
    {
        assert_eq!(client.text(line), REQUIRED, "{line}");
    }
    assert!(client.text("NOSUCH").starts_with("ERR unknown command"), "as in Redis");
    for line in ["AUTH wrong", "AUTH default wrong", "AUTH nobody secret", "HELLO 3 AUTH default wrong"] {
        assert_eq!(client.text(line), WRONG, "{line}");
    }
    assert_eq!(client.text("PING"), REQUIRED);
    assert_eq!(client.text("RESET"), "RESET");
    client.ok("AUTH secret");
    assert_eq!(client.text("PING"), "PONG");
    assert_eq!(client.text("AUTH wrong"), WRONG);
    assert_eq!(client.text("ACL WHOAMI"), "default");
    assert_eq!(client.text("RESET"), "RESET");
    assert_eq!(client.text("PING"), REQUIRED);
    client.ok("AUTH default secret");
    client.ok("QUIT");
}

#[test]
fn hello_logs_in_and_explains_how_when_it_does_not() {
    let node = locked(&[]);
    let mut client = node.unauthenticated_client();
    let first =
        "NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO <proto> AUTH";
    for line in ["HELLO", "HELLO 3", "HELLO 3 SETNAME me"] {
        assert!(client.text(line).starts_with(first), "{line}");
    }
    let Value::Map(_) = client.ask("HELLO 3 AUTH default secret SETNAME me") else {
        panic!("RESP3 has maps")
    };
    assert_eq!(client.text("CLIENT GETNAME"), "me");
}

#[test]
fn a_pipeline_may_begin_with_the_login() {
    let node = locked(&[]);
    let mut client = node.unauthenticated_client();
    let mut bytes = Vec::new();
    encode_request(&["PING"], &mut bytes);
    encode_request(&["AUTH", "secret"], &mut bytes);
    // Larger and longer than the requests of an unauthenticated client may be.
    encode_request(&["ECHO", &"x".repeat(100_000)], &mut bytes);
    encode_request(&["EXISTS"].into_iter().chain(["k"; 50]).collect::<Vec<_>>(), &mut bytes);
    client.send_bytes(&bytes).unwrap();
    assert_eq!(client.receive().unwrap(), Value::Error(REQUIRED.to_owned()));
    assert_eq!(client.receive().unwrap(), Value::Simple("OK".into()));
    assert_eq!(client.receive().unwrap(), Value::Bulk("x".repeat(100_000).into()));
    assert_eq!(client.receive().unwrap(), Value::Integer(0));
}

#[test]
fn unauthenticated_clients_can_send_only_what_a_login_needs() {
    let node = locked(&[]);
    let cases: [(&[u8], &[u8]); 2] = [
        (b"*11\r\n", b"-ERR Protocol error: unauthenticated multibulk length\r\n"),
        (b"*2\r\n$4\r\nAUTH\r\n$16385\r\n", b"-ERR Protocol error: unauthenticated bulk length\r\n"),
    ];
    for (sent, expected) in cases {
        let mut client = node.unauthenticated_client();
        client.send_bytes(sent).unwrap();
        assert_eq!(client.receive_to_end().unwrap(), expected);
    }
    let mut client = node.unauthenticated_client();
    let longest = "x".repeat(16 << 10);
    assert_eq!(client.call(&["AUTH", longest.as_str()]), Value::Error(WRONG.to_owned()));
}

#[test]
fn a_new_password_logs_nobody_out() {
    let node = TestNode::started();
    let (mut early, mut other) = (node.client(), node.client());
    assert_eq!(other.text("PING"), "PONG");
    assert!(early.text("AUTH x").starts_with("ERR AUTH <password> called without any password configured"));
    early.ok("AUTH default x");
    assert_eq!(early.text("AUTH nobody x"), WRONG);
    early.ok("CONFIG SET requirepass secret");
    assert_eq!((early.text("PING"), other.text("PING")), ("PONG".to_owned(), "PONG".to_owned()));
    let mut late = node.unauthenticated_client();
    assert_eq!(late.text("PING"), REQUIRED);
    early.ok("CONFIG SET requirepass ''");
    assert_eq!(late.text("PING"), "PONG");
}

#[test]
fn acl_lists_the_one_user() {
    let node = locked(&[]);
    let mut client = node.client();
    let digest = "2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b";
    let Value::Array(users) = client.ask("ACL LIST") else { panic!("a list") };
    assert_eq!(users, [Value::Bulk(format!("user default on #{digest} ~* &* +@all").into())]);
    client.ok("CONFIG SET requirepass ''");
    let Value::Array(users) = client.ask("ACL LIST") else { panic!("a list") };
    assert_eq!(users, [Value::Bulk("user default on nopass ~* &* +@all".into())]);
}

#[test]
fn a_node_joins_a_cluster_that_has_a_password() {
    let first = locked(&[]);
    let mut wrong = TestNode::new().with(&["--node-id", "2", "--join", first.address()]);
    let ended = match wrong.try_start() {
        Err(ended) => ended,
        Ok(()) => panic!("the node joined without the password"),
    };
    assert!(ended.messages.contains("refused: NOAUTH Authentication required."), "{}", ended.messages);
    let mut members = Vec::new();
    for (id, password) in [("2", "--requirepass"), ("3", "--masterauth")] {
        let mut node =
            TestNode::new().with(&["--node-id", id, "--join", first.address(), password, "secret"]);
        if password == "--requirepass" {
            node.log_in_with("secret");
        }
        node.start();
        first.client().ok(&format!("SET from {id}"));
        until("the write to be visible", || {
            let mut client = node.client();
            (client.text("GET from") == id).then_some(())
        });
        members.push(node);
    }
    assert_eq!(first.client().info_number("cluster_size"), 3);
}

/// An address of this machine that is not a loopback address, if it has one.
fn own_address() -> Option<std::net::IpAddr> {
    // No packet is sent: connecting the socket only makes the system select a source address.
    let socket = UdpSocket::bind("0.0.0.0:0").ok()?;
    socket.connect("192.0.2.1:9").ok()?;
    let address = socket.local_addr().ok()?.ip();
    (!address.is_loopback() && !address.is_unspecified()).then_some(address)
}

#[test]
fn without_a_password_clients_of_other_machines_are_refused() {
    let Some(address) = own_address() else {
        println!("skipped: this machine has no address but loopback");
        return;
    };
    let hosts = format!("127.0.0.1 {address}");
    let mut node = TestNode::new().with(&["--bind", &hosts]);
    node.start();
    let port = node.address().rsplit(':').next().unwrap().to_owned();
    let far = format!("{address}:{port}");
    let told = Client::connect(&far).receive_to_end().unwrap();
    assert!(told.starts_with(b"-DENIED "), "{}", String::from_utf8_lossy(&told));
    let mut near = node.client();
    assert_eq!(near.info_number("rejected_connections"), 1);
    near.ok("CONFIG SET requirepass secret");
    let mut client = Client::connect(&far);
    assert_eq!(client.text("PING"), REQUIRED);
    client.ok("AUTH secret");
    assert_eq!(client.text("PING"), "PONG");
    near.ok("CONFIG SET requirepass '' protected-mode no");
    assert_eq!(Client::connect(&far).text("PING"), "PONG");
}

#[test]
fn the_command_line_client_logs_in() {
    let node = locked(&[]);
    let run = |password: &str| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_client"));
        command.args(["--server", node.address(), "ping"]).env_remove("JSONVAULT_USER");
        let output = command.env("JSONVAULT_PASSWORD", password).output().unwrap();
        (output.status.code(), String::from_utf8(output.stdout).unwrap())
    };
    assert_eq!(run("secret"), (Some(0), "PONG\n".to_owned()));
    // Without the right password, the client reports an error by its exit code.
    assert_ne!(run("").0, Some(0));
    assert_ne!(run("wrong").0, Some(0));
}
