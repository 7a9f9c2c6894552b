//! The protocol on real connections: valid and broken frames, pipelines, and clients that
//! disconnect.

use std::io::ErrorKind;

use jsonvault::resp::{Value, encode_request};

use crate::harness::documents::{Ledger, set_request};
use crate::harness::wait::until;
use crate::harness::{Client, TestNode};

/// Sends invalid bytes after a valid request. Both must get a reply, and then the connection must
/// end.
fn assert_breaks(node: &TestNode, bytes: &[u8], expected: &str) {
    let mut client = node.client();
    let mut sent = b"*1\r\n$4\r\nPING\r\n".to_vec();
    sent.extend_from_slice(bytes);
    client.send_bytes(&sent).unwrap();
    let shown = String::from_utf8_lossy(&bytes[..bytes.len().min(40)]).into_owned();
    assert_eq!(client.receive().unwrap(), Value::Simple("PONG".into()), "{shown:?}");
    match client.receive().unwrap() {
        Value::Error(line) => assert!(line.starts_with(expected), "{shown:?}: {line}"),
        other => panic!("{shown:?}: {other:?}"),
    }
    assert_eq!(client.receive_to_end().unwrap(), b"", "{shown:?}");
}

#[test]
fn a_broken_frame_gets_an_error_and_ends_its_connection_only() {
    let node = TestNode::started();
    let mut bystander = node.client();
    let broken: &[(&[u8], &str)] = &[
        (b"*abc\r\n", "ERR Protocol error: invalid multibulk length"),
        (b"*99999999\r\n", "ERR Protocol error: invalid multibulk length"),
        (b"*1\r\nfoo\r\n", "ERR Protocol error: expected '$', got 'f'"),
        (b"*1\r\n*1\r\n", "ERR Protocol error: expected '$', got '*'"),
        (b"*1\r\n$-5\r\n", "ERR Protocol error: invalid bulk length"),
        (b"*1\r\n$x\r\n", "ERR Protocol error: invalid bulk length"),
        (b"*1\r\n$999999999999\r\n", "ERR Protocol error: invalid bulk length"),
        (b"*1\r\n$4\r\nPINGxx", "ERR Protocol error: "),
        (b"ECHO \"unbalanced\r\n", "ERR Protocol error: unbalanced quotes in request"),
        (&[b'x'; 70 << 10], "ERR Protocol error: too big inline request"),
    ];
    for (bytes, expected) in broken {
        assert_breaks(&node, bytes, expected);
        assert_eq!(bystander.text("PING"), "PONG");
    }
    assert_eq!(bystander.info_number("total_protocol_errors"), broken.len() as i64);
}

#[test]
fn ten_thousand_mixed_commands_in_a_pipeline_are_answered_in_order() {
    const COMMANDS: usize = 10_000;
    let node = TestNode::started();
    let mut client = node.client();
    client.ok("JSON.SET counter $ 0");
    let request = |number: usize| -> Vec<String> {
        let round = number / 5;
        let line = match number % 5 {
            0 => {
                return ["JSON.SET", &format!("k:{round}"), "$", &format!("[{round}]")]
                    .map(str::to_owned)
                    .to_vec();
            }
            1 => format!("JSON.GET k:{round}"),
            2 => format!("ECHO {number}"),
            3 => "JSON.NUMINCRBY counter $ 1".to_owned(),
            _ => format!("NOSUCH {number}"),
        };
        line.split(' ').map(str::to_owned).collect()
    };
    let requests: Vec<Vec<String>> = (0..COMMANDS).map(request).collect();
    for (number, reply) in client.pipeline(&requests).into_iter().enumerate() {
        let round = number / 5;
        let expected = match number % 5 {
            0 => Value::Simple("OK".into()),
            1 => Value::Bulk(format!("[{round}]").into()),
            2 => Value::Bulk(number.to_string().into()),
            3 => Value::Bulk(format!("[{}]", round + 1).into()),
            _ => Value::Error(format!("ERR unknown command 'NOSUCH', with args beginning with: '{number}' ")),
        };
        assert_eq!(reply, expected, "command {number}");
    }
    assert_eq!(client.integer("DBSIZE"), 1 + COMMANDS as i64 / 5);
}

#[test]
fn a_request_may_arrive_byte_by_byte() {
    let node = TestNode::started();
    let mut client = node.client();
    let mut bytes = Vec::new();
    encode_request(&["JSON.SET", "k", "$", r#"{"a":"b c"}"#], &mut bytes);
    encode_request(&["JSON.GET", "k"], &mut bytes);
    bytes.extend_from_slice(b"ECHO done\r\n");
    for byte in bytes {
        client.send_bytes(&[byte]).unwrap();
    }
    assert_eq!(client.receive().unwrap(), Value::Simple("OK".into()));
    assert_eq!(client.receive().unwrap(), Value::Bulk(r#"{"a":"b c"}"#.into()));
    assert_eq!(client.receive().unwrap(), Value::Bulk("done".into()));
}

#[test]
fn inline_commands_are_understood() {
    let node = TestNode::started();
    let mut client = node.client();
    client
        .send_bytes(b"PING\r\n\r\nping\n  ECHO  \"a\\x41 b\"\r\njson.set k $ '{\"a\": 1}'\r\nJSON.GET k\r\n")
        .unwrap();
    let replies: Vec<Value> = (0..5).map(|_| client.receive().unwrap()).collect();
    let expected = [
        Value::Simple("PONG".into()),
        Value::Simple("PONG".into()),
        Value::Bulk("aA b".into()),
        Value::Simple("OK".into()),
        Value::Bulk(r#"{"a":1}"#.into()),
    ];
    assert_eq!(replies, expected);
}

#[test]
fn hello_switches_the_protocol_and_the_types_of_replies() {
    let node = TestNode::started();
    let mut client = node.client();
    client.ok(r#"JSON.SET k $ '{"a":1.5}'"#);
    let Value::Array(flat) = client.ask("HELLO 2") else { panic!("RESP2 has no maps") };
    assert_eq!(flat[0], Value::Bulk("server".into()));
    assert!(matches!(client.ask("COMMAND DOCS ping"), Value::Array(_)));

    let Value::Map(greeting) = client.ask("HELLO 3 SETNAME me") else { panic!("RESP3 has maps") };
    let field = |name: &str| {
        let found = greeting.iter().find(|(key, _)| key.text().is_some_and(|text| text == name));
        found.unwrap_or_else(|| panic!("HELLO has no {name}")).1.clone()
    };
    assert_eq!(field("server"), Value::Bulk("redis".into()));
    assert_eq!(field("proto"), Value::Integer(3));
    assert_eq!(field("role"), Value::Bulk("master".into()));
    assert!(matches!(field("modules"), Value::Array(modules) if modules.len() == 1));
    assert_eq!(client.text("CLIENT GETNAME"), "me");
    assert!(matches!(client.ask("COMMAND DOCS ping"), Value::Map(_)));
    assert!(matches!(client.ask("CONFIG GET port"), Value::Map(_)));
    assert!(matches!(client.ask("INFO server"), Value::Verbatim(_)));
    assert_eq!(client.ask("JSON.GET missing"), Value::Null);
    assert_eq!(client.ask("JSON.NUMINCRBY k $.a 1"), Value::Array(vec![Value::Double(2.5)]));

    assert_eq!(client.text("HELLO 4"), "NOPROTO unsupported protocol version");
    assert!(client.text("HELLO x").starts_with("ERR Protocol version is not an integer"));
    assert!(matches!(client.ask("CONFIG GET port"), Value::Map(_)), "a refused HELLO changes nothing");
}

#[test]
fn nulls_are_encoded_as_each_protocol_requires() {
    let node = TestNode::started();
    for (hello, expected) in [("HELLO 2\r\n", &b"$-1\r\n"[..]), ("HELLO 3\r\n", &b"_\r\n"[..])] {
        let mut client = node.client();
        client.send_bytes(hello.as_bytes()).unwrap();
        client.receive().unwrap();
        client.send_bytes(b"JSON.GET missing\r\n").unwrap();
        client.finish_sending();
        assert_eq!(client.receive_to_end().unwrap(), expected);
    }
}

#[test]
fn unverified_lengths_cost_no_memory() {
    const CONNECTIONS: u64 = 50;
    let node = TestNode::started();
    let mut watcher = node.client();
    let frames: [&[u8]; 2] = [b"*1048576\r\n$500000000\r\nabc", b"*3\r\n$8\r\nJSON.SET\r\n$536870912\r\nabc"];
    watcher.ok("CONFIG RESETSTAT");
    let before = node.resident_bytes();
    let clients: Vec<Client> = (0..CONNECTIONS)
        .map(|number| {
            let mut client = node.client();
            client.send_bytes(frames[number as usize % frames.len()]).unwrap();
            client
        })
        .collect();
    let sent = CONNECTIONS / 2 * (frames[0].len() + frames[1].len()) as u64;
    until("the server to have read all of it", || {
        (watcher.info_number("total_net_input_bytes") as u64 >= sent).then_some(())
    });
    let grown = node.resident_bytes().saturating_sub(before);
    assert!(grown < 64 << 20, "{grown} bytes for {CONNECTIONS} unverified lengths");
    drop(clients);
    until("the connections to end", || (watcher.info_number("connected_clients") == 1).then_some(()));
}

#[test]
fn a_client_beyond_maxclients_is_refused_until_another_disconnects() {
    let mut node = TestNode::new().with(&["--maxclients", "3"]);
    node.start();
    let mut clients: Vec<Client> = until("the first client to have left", || {
        let mut clients: Vec<Client> = (0..3).map(|_| node.client()).collect();
        let served = clients
            .iter_mut()
            .all(|client| client.send(&["PING"]).is_ok() && matches!(client.receive(), Ok(Value::Simple(_))));
        served.then_some(clients)
    });
    let mut refused = node.client();
    assert_eq!(refused.receive_to_end().unwrap(), b"-ERR max number of clients reached\r\n");
    clients.pop();
    until("a connection to be available", || {
        let mut client = node.client();
        client.send(&["PING"]).ok()?;
        matches!(client.receive(), Ok(Value::Simple(_))).then_some(())
    });
    assert!(clients[0].info_number("rejected_connections") >= 1);
}

#[test]
fn no_request_after_a_quit_is_run() {
    let node = TestNode::started();
    let mut client = node.client();
    client.send_bytes(b"JSON.SET before $ 1\r\nQUIT\r\nJSON.SET after $ 1\r\n").unwrap();
    assert_eq!(client.receive_to_end().unwrap(), b"+OK\r\n+OK\r\n");
    let mut other = node.client();
    assert_eq!(other.integer("EXISTS before"), 1);
    assert_eq!(other.integer("EXISTS after"), 0);
}

#[test]
fn reset_restores_the_initial_state_of_a_connection() {
    let node = TestNode::started();
    let mut client = node.client();
    client.ask("HELLO 3 SETNAME me");
    assert_eq!(client.text("RESET"), "RESET");
    assert_eq!(client.ask("CLIENT GETNAME"), Value::Null);
    assert!(matches!(client.ask("CONFIG GET port"), Value::Array(_)), "the connection uses RESP2 again");
}

#[test]
fn a_client_that_leaves_in_a_pipeline_of_writes_leaves_whole_documents() {
    let node = TestNode::started();
    let mut watcher = node.client();
    let mut ledger = Ledger::default();
    for round in 0..5 {
        let mut client = node.client();
        let mut bytes = Vec::new();
        for number in 0..400 {
            let key = format!("r{round}:{number}");
            encode_request(&set_request(&key), &mut bytes);
            ledger.sent(key);
        }
        // Truncates the last request, so that it stays unfinished.
        bytes.truncate(bytes.len() - 10);
        client.send_bytes(&bytes).unwrap();
        if round % 2 == 0 {
            client.receive().unwrap();
        }
        drop(client);
    }
    until("the connections to end", || (watcher.info_number("connected_clients") == 1).then_some(()));
    let found = ledger.check(&mut watcher);
    assert!(found.unacknowledged > 0, "{found:?}");
    assert_eq!(
        watcher.integer("EXISTS r0:399 r1:399 r2:399 r3:399 r4:399"),
        0,
        "no unfinished request is run"
    );
}

#[test]
fn a_client_that_only_stops_sending_gets_every_reply() {
    let node = TestNode::started();
    let mut client = node.client();
    let mut bytes = Vec::new();
    (0..500).for_each(|number| encode_request(&set_request(&format!("k:{number}")), &mut bytes));
    client.send_bytes(&bytes).unwrap();
    client.finish_sending();
    for number in 0..500 {
        assert_eq!(client.receive().unwrap(), Value::Simple("OK".into()), "{number}");
    }
    assert_eq!(client.receive().unwrap_err().kind(), ErrorKind::UnexpectedEof);
}

#[test]
fn an_idle_connection_is_closed_after_the_timeout() {
    let mut node = TestNode::new().with(&["--timeout", "1"]);
    node.start();
    let mut idle = node.client();
    assert_eq!(idle.text("PING"), "PONG");
    assert_eq!(idle.receive_to_end().unwrap(), b"");
    assert_eq!(node.client().text("PING"), "PONG");
}

#[test]
fn a_pipeline_that_has_arrived_needs_few_entries() {
    let node = TestNode::started();
    let mut client = node.client();
    let requests: Vec<Vec<String>> =
        (0..500).map(|n| set_request(&format!("{n}:{}", "x".repeat(200)))).collect();
    let bytes: usize = requests.iter().flatten().map(String::len).sum();
    assert!(bytes > 100_000, "read in pieces of 4 KiB, {bytes} bytes are more than 24 batches");
    let before = client.info_number("last_log_index");
    assert_eq!(client.pipeline(&requests).len(), 500);
    let entries = client.info_number("last_log_index") - before;
    assert!(entries <= 16, "{entries} entries");
}

#[test]
fn a_reply_is_one_write_to_the_socket() {
    let node = TestNode::started();
    let mut client = node.client();
    let before = client.info_number("total_writes_processed");
    for _ in 0..20 {
        client.call(&["PING"]);
    }
    // One more: the reply to the first INFO was written only after its text had been made.
    assert_eq!(client.info_number("total_writes_processed") - before, 21);
}
