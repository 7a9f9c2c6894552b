//! Messages between connections: pub/sub, invalidations, keyspace events, MONITOR; CLIENT KILL and
//! PAUSE; transactions across connections.

use jsonvault::resp::Value;

use crate::harness::wait::until;
use crate::harness::{Client, Cluster, TestNode};

fn bulk(text: &str) -> Value {
    Value::Bulk(text.to_owned().into())
}

fn push(words: &[&str]) -> Value {
    Value::Push(words.iter().map(|word| bulk(word)).collect())
}

fn resp3(node: &TestNode) -> Client {
    let mut client = node.client();
    client.ask("HELLO 3");
    client
}

#[test]
fn a_message_reaches_its_subscribers_only() {
    let node = TestNode::started();
    let (mut plain, mut pattern, mut other) = (node.client(), resp3(&node), resp3(&node));
    plain.ask("SUBSCRIBE news");
    pattern.ask("PSUBSCRIBE n*");
    other.ask("SUBSCRIBE else");
    let mut sender = node.client();
    assert_eq!(sender.integer("PUBLISH news hello"), 2);
    let message = ["message", "news", "hello"].map(bulk).to_vec();
    assert_eq!(plain.receive().unwrap(), Value::Array(message));
    assert_eq!(pattern.receive().unwrap(), push(&["pmessage", "n*", "news", "hello"]));
    assert_eq!(other.text("PING"), "PONG", "a RESP3 subscriber can run other commands");
    drop(plain);
    until("the subscriber to be gone", || (sender.integer("PUBLISH news again") == 1).then_some(()));
}

#[test]
fn messages_reach_subscribers_of_other_nodes_in_order() {
    let cluster = Cluster::of_three(&[]);
    let mut listeners: Vec<Client> = (1..=3).map(|id| cluster.client(id)).collect();
    for client in &mut listeners {
        client.ask("SUBSCRIBE news");
    }
    // Waits until the nodes know each other, because only then do they exchange messages.
    cluster.client(1).ok("SET formed 1");
    let mut sender = cluster.client(2);
    for number in 0..200 {
        assert_eq!(
            sender.integer(&format!("PUBLISH news {number}")),
            1,
            "the reply counts the subscribers on the same node"
        );
    }
    for client in &mut listeners {
        for number in 0..200 {
            let expected = Value::Array(vec![bulk("message"), bulk("news"), bulk(&number.to_string())]);
            assert_eq!(client.receive().unwrap(), expected);
        }
    }
}

#[test]
fn a_subscriber_that_does_not_read_is_disconnected_and_others_continue() {
    let node = TestNode::started();
    let (mut slow, mut sender) = (node.client(), node.client());
    slow.ask("CLIENT SETNAME slow");
    slow.ask("SUBSCRIBE news");
    let message = "x".repeat(1 << 20);
    // Exceeds the output limit and the bytes that the operating system buffers for a connection.
    for _ in 0..100 {
        sender.call(&["PUBLISH", "news", &message]);
    }
    let listeners = |client: &mut Client| client.ask("PUBSUB NUMSUB news").items().unwrap()[1].clone();
    until("the subscriber to be gone", || (listeners(&mut sender) == Value::Integer(0)).then_some(()));
    let said = |line: &str| line.contains("does not accept its messages") && line.contains("slow");
    until("the log to report it", || node.messages().lines().any(said).then_some(()));
}

#[test]
fn a_caching_client_gets_one_invalidation_of_a_key_that_it_read() {
    let node = TestNode::started();
    let (mut caching, mut writer) = (resp3(&node), node.client());
    writer.ok("JSON.SET k $ 1");
    caching.ok("CLIENT TRACKING ON");
    assert_eq!(caching.text("JSON.GET k"), "1");
    writer.ok("JSON.SET k $ 2");
    let told = Value::Push(vec![bulk("invalidate"), Value::Array(vec![bulk("k")])]);
    assert_eq!(caching.receive().unwrap(), told);
    // The key was not read again, so no invalidation is sent.
    writer.ok("JSON.SET k $ 3");
    assert_eq!(caching.text("JSON.GET k"), "3");
    writer.ok("FLUSHALL");
    assert_eq!(caching.receive().unwrap(), Value::Push(vec![bulk("invalidate"), Value::Null]));
}

#[test]
fn a_cached_value_is_never_older_than_the_last_invalidation() {
    let node = TestNode::started();
    node.client().ok("SET k 0");
    let mut caching = resp3(&node);
    caching.ok("CLIENT TRACKING ON");
    std::thread::scope(|scope| {
        let mut writer = node.client();
        let writing =
            scope.spawn(move || (1..=3000).for_each(|number| writer.ok(&format!("SET k {number}"))));
        let mut cached = Value::Null;
        while !writing.is_finished() {
            caching.send(&["GET", "k"]).unwrap();
            cached = loop {
                match caching.receive().unwrap() {
                    // The cached value is invalid; the next read returns a newer one.
                    Value::Push(_) => {}
                    reply => break reply,
                }
            };
        }
        // Either the cached value is the last one, or an invalidation of it follows.
        while cached != bulk("3000") {
            assert!(matches!(caching.receive().unwrap(), Value::Push(_)), "{cached:?} is invalidated");
            cached = caching.ask("GET k");
        }
    });
}

#[test]
fn prefixes_and_opting_in_select_the_invalidations() {
    let node = TestNode::started();
    let (mut prefixes, mut opting, mut writer) = (resp3(&node), resp3(&node), node.client());
    prefixes.ok("CLIENT TRACKING ON BCAST PREFIX user:");
    opting.ok("CLIENT TRACKING ON OPTIN");
    opting.ask("GET user:1");
    opting.ok("CLIENT CACHING yes");
    opting.ask("GET user:2");
    writer.ok("MSET other 1 user:1 1 user:2 1");
    let told = |keys: &[&str]| {
        Value::Push(vec![bulk("invalidate"), Value::Array(keys.iter().map(|key| bulk(key)).collect())])
    };
    assert_eq!(prefixes.receive().unwrap(), told(&["user:1", "user:2"]));
    assert_eq!(opting.receive().unwrap(), told(&["user:2"]));
}

#[test]
fn a_resp2_client_has_another_told() {
    let node = TestNode::started();
    let (mut listener, mut reader, mut writer) = (node.client(), node.client(), node.client());
    let id = listener.integer("CLIENT ID");
    listener.ask("SUBSCRIBE __redis__:invalidate");
    reader.ok(&format!("CLIENT TRACKING ON REDIRECT {id}"));
    assert_eq!(reader.integer("CLIENT GETREDIR"), id);
    reader.ask("GET k");
    writer.ok("SET k 1");
    let told = vec![bulk("message"), bulk("__redis__:invalidate"), Value::Array(vec![bulk("k")])];
    assert_eq!(listener.receive().unwrap(), Value::Array(told));
}

#[test]
fn monitor_shows_the_commands_of_other_clients() {
    let node = TestNode::started();
    let (mut monitor, mut client) = (node.client(), node.client());
    monitor.ok("MONITOR");
    client.ok("JSON.SET k $ '{\"a\":\"b c\"}'");
    client.ask("HELLO 3 AUTH default secret");
    client.ask("PING");
    let mut line = || String::from_utf8(monitor.receive().unwrap().text().unwrap().to_vec()).unwrap();
    assert!(line().ends_with(r#""JSON.SET" "k" "$" "{\"a\":\"b c\"}""#));
    assert!(line().ends_with(r#""PING""#), "commands that may contain a password are not shown");
}

#[test]
fn clients_can_be_listed_and_killed() {
    let node = TestNode::started();
    let (mut victim, mut client) = (node.client(), node.client());
    victim.ok("CLIENT SETNAME victim");
    victim.ask("MULTI");
    victim.ask("GET k");
    let list = client.text("CLIENT LIST");
    let line = list.lines().find(|line| line.contains("name=victim")).unwrap();
    assert!(line.contains("flags=x") && line.contains("multi=1") && line.contains("cmd=get"), "{line}");
    let id = line.split(' ').next().unwrap().strip_prefix("id=").unwrap();
    assert_eq!(client.integer(&format!("CLIENT KILL ID {id}")), 1);
    assert!(victim.receive().is_err(), "the client's connection is closed");
    until("the client to leave the list", || (!client.text("CLIENT LIST").contains("victim")).then_some(()));
    let own = client.integer("CLIENT ID");
    assert_eq!(
        client.integer(&format!("CLIENT KILL ID {own} SKIPME no")),
        1,
        "the client gets the reply before its connection is closed"
    );
    assert!(client.receive().is_err());
}

#[test]
fn a_client_whose_transaction_was_aborted_is_not_shown_with_one() {
    let node = TestNode::started();
    let (mut operator, mut other) = (node.client(), node.client());
    other.ok("WATCH k");
    other.ok("MULTI");
    other.text("PING");
    let shown = |operator: &mut Client, what: &str| operator.text("CLIENT LIST").contains(what);
    assert!(shown(&mut operator, "multi=1") && shown(&mut operator, "watch=1"));
    assert!(other.text("EXEC now").starts_with("EXECABORT"));
    assert!(!shown(&mut operator, "multi=1") && !shown(&mut operator, "watch=1"));
}

#[test]
fn paused_writes_wait_and_reads_continue() {
    let node = TestNode::started();
    let (mut operator, mut writer, mut reader) = (node.client(), node.client(), node.client());
    operator.ok("CLIENT PAUSE 100000 WRITE");
    writer.send(&["SET", "k", "1"]).unwrap();
    until("the write to arrive", || reader.text("CLIENT LIST").contains("cmd=set").then_some(()));
    assert_eq!(reader.ask("GET k"), Value::Null, "the write is held back");
    operator.ok("CLIENT UNPAUSE");
    assert_eq!(writer.receive().unwrap(), Value::Simple("OK".into()));
    assert_eq!(reader.text("GET k"), "1");
}

#[test]
fn a_transaction_that_only_reads_does_not_wait_for_paused_writes() {
    let node = TestNode::started();
    let (mut operator, mut reader, mut writer) = (node.client(), node.client(), node.client());
    for (client, command) in [(&mut reader, "GET k"), (&mut writer, "SET k 1")] {
        client.ok("MULTI");
        assert_eq!(client.text(command), "QUEUED");
    }
    operator.ok("CLIENT PAUSE 100000 WRITE");
    assert_eq!(reader.ask("EXEC"), Value::Array(vec![Value::Null]));
    writer.send(&["EXEC"]).unwrap();
    until("the transaction to arrive", || operator.text("CLIENT LIST").contains("cmd=exec").then_some(()));
    assert_eq!(reader.ask("GET k"), Value::Null, "the write is held back");
    operator.ok("CLIENT UNPAUSE");
    assert_eq!(writer.receive().unwrap(), Value::Array(vec![Value::Simple("OK".into())]));
}

#[test]
fn a_client_that_disconnects_in_wait_ends_the_wait() {
    let mut cluster = Cluster::of_three(&[]);
    let leader = cluster.leader();
    cluster.node(leader % 3 + 1).kill();
    let mut operator = cluster.client(leader);
    // Two members have the write. Waiting for the third one would never end.
    operator.ok("SET k 1");
    let mut waiting = cluster.client(leader);
    waiting.send(&["WAIT", "2", "0"]).unwrap();
    let mut impatient = cluster.client(leader);
    impatient.send(&["WAIT", "2", "0"]).unwrap();
    until("both to wait", || (operator.info_number("blocked_clients") == 2).then_some(()));
    impatient.send(&["PING"]).unwrap();
    drop((waiting, impatient));
    until("both waits to end", || (operator.info_number("blocked_clients") == 0).then_some(()));
}

#[test]
fn client_reply_off_and_skip_suppress_replies() {
    let node = TestNode::started();
    let mut client = node.client();
    client.send(&["CLIENT", "REPLY", "OFF"]).unwrap();
    client.send(&["SET", "k", "1"]).unwrap();
    client.send(&["NOSUCH"]).unwrap();
    assert_eq!(client.text("CLIENT REPLY ON"), "OK");
    assert_eq!(client.text("GET k"), "1");
    client.send(&["CLIENT", "REPLY", "SKIP"]).unwrap();
    client.send(&["GET", "k"]).unwrap();
    assert_eq!(client.text("ECHO heard"), "heard");
}

#[test]
fn a_transaction_is_atomic_for_every_client_of_every_node() {
    let cluster = Cluster::of_three(&[]);
    cluster.client(1).ok("MSET a 0 b 0");
    std::thread::scope(|scope| {
        for id in 1..=3 {
            let mut writer = cluster.client(id);
            scope.spawn(move || {
                for _ in 0..60 {
                    let requests =
                        ["MULTI", "INCR a", "INCR b", "EXEC"].map(|line| line.split(' ').collect::<Vec<_>>());
                    let replies = writer.pipeline(&requests);
                    let both = replies[3].items().unwrap_or_else(|| panic!("{:?}", replies[3]));
                    assert_eq!(both[0], both[1], "both keys changed at once");
                }
            });
            let mut reader = cluster.client(id);
            scope.spawn(move || {
                for _ in 0..60 {
                    let read = reader.ask("MGET a b");
                    let both = read.items().unwrap();
                    assert_eq!(both[0], both[1], "no client sees a part of the transaction");
                }
            });
        }
    });
    assert_eq!(cluster.client(2).text("GET a"), "180");
}

#[test]
fn a_watched_key_that_changed_is_seen_through_a_follower() {
    const EACH: usize = 25;
    let cluster = Cluster::of_three(&[]);
    cluster.client(1).ok("SET k 0");
    std::thread::scope(|scope| {
        for id in 1..=3 {
            let mut client = cluster.client(id);
            scope.spawn(move || {
                let mut left = EACH;
                while left > 0 {
                    client.ok("WATCH k");
                    let next = client.text("GET k").parse::<u64>().unwrap() + 1;
                    client.ok("MULTI");
                    client.ask(&format!("SET k {next}"));
                    match client.ask("EXEC") {
                        Value::Array(_) => left -= 1,
                        other => assert_eq!(other, Value::Null),
                    }
                }
            });
        }
    });
    assert_eq!(cluster.client(3).text("GET k"), (3 * EACH).to_string(), "no increment was lost");
}

#[test]
fn the_setting_selects_the_keyspace_events() {
    let node = TestNode::started();
    let (mut listener, mut client) = (resp3(&node), node.client());
    listener.ask("PSUBSCRIBE __key*__:*");
    client.ok("JSON.SET k $ 1");
    client.ok("CONFIG SET notify-keyspace-events KEA");
    client.ok("JSON.SET k $ [1]");
    client.ask("JSON.ARRAPPEND k $ 2");
    client.ok("SET t 1 EX 100");
    client.ask("INCR t");
    client.ask("PERSIST t");
    client.ok("RENAME t u");
    client.ask("DEL u nosuch");
    client.ask("JSON.DEL k");
    client.ok("SET gone 1 PX 1");
    let events = [
        ("k", "json.set"),
        ("k", "json.arrappend"),
        ("t", "set"),
        ("t", "expire"),
        ("t", "incrby"),
        ("t", "persist"),
        ("t", "rename_from"),
        ("u", "rename_to"),
        ("u", "del"),
        ("k", "json.del"),
        ("gone", "set"),
        ("gone", "expire"),
    ];
    for (key, event) in events {
        let (space, of) = (format!("__keyspace@0__:{key}"), format!("__keyevent@0__:{event}"));
        assert_eq!(listener.receive().unwrap(), push(&["pmessage", "__key*__:*", &space, event]));
        assert_eq!(listener.receive().unwrap(), push(&["pmessage", "__key*__:*", &of, key]));
    }
}

#[test]
fn a_key_whose_deadline_passes_is_announced_as_expired_at_every_node() {
    let cluster = Cluster::of_three(&["--notify-keyspace-events", "Ex"]);
    let mut listeners: Vec<Client> = (1..=3).map(|id| cluster.client(id)).collect();
    for client in &mut listeners {
        client.ask("SUBSCRIBE __keyevent@0__:expired");
    }
    cluster.client(1).ok("SET gone 1 PX 20");
    for client in &mut listeners {
        let expected = ["message", "__keyevent@0__:expired", "gone"].map(bulk).to_vec();
        assert_eq!(client.receive().unwrap(), Value::Array(expected));
    }
}

#[test]
fn prefixes_are_added_and_all_of_them_end_together() {
    let node = TestNode::started();
    let (mut caching, mut writer) = (resp3(&node), node.client());
    caching.ok("CLIENT TRACKING ON BCAST PREFIX a");
    caching.ok("CLIENT TRACKING ON BCAST PREFIX b");
    writer.ok("MSET a1 1 b1 1 c1 1");
    // As in Redis, the keys of each prefix are sent in separate messages.
    for key in ["a1", "b1"] {
        let told = Value::Push(vec![bulk("invalidate"), Value::Array(vec![bulk(key)])]);
        assert_eq!(caching.receive().unwrap(), told);
    }
    caching.ok("CLIENT TRACKING OFF");
    writer.ok("SET a1 2");
    assert_eq!(caching.text("PING"), "PONG");
}

#[test]
fn client_caching_applies_to_one_command() {
    let node = TestNode::started();
    let (mut caching, mut writer) = (resp3(&node), node.client());
    caching.ok("CLIENT TRACKING ON OPTOUT");
    caching.ok("CLIENT CACHING no");
    caching.ask("PING");
    caching.ask("GET k");
    writer.ok("SET k 1");
    let told = Value::Push(vec![bulk("invalidate"), Value::Array(vec![bulk("k")])]);
    assert_eq!(caching.receive().unwrap(), told);
}

#[test]
fn a_paused_client_that_is_killed_does_nothing_more() {
    let node = TestNode::started();
    let (mut operator, mut writer) = (node.client(), node.client());
    let id = writer.integer("CLIENT ID");
    operator.ok("CLIENT PAUSE 100000 WRITE");
    writer.send(&["SET", "k", "1"]).unwrap();
    until("the write to arrive", || operator.text("CLIENT LIST").contains("cmd=set").then_some(()));
    assert_eq!(operator.integer(&format!("CLIENT KILL ID {id}")), 1);
    assert!(writer.receive().is_err(), "the client's connection is closed");
    operator.ok("CLIENT UNPAUSE");
    assert_eq!(operator.integer("EXISTS k"), 0);
}

#[test]
fn replies_of_a_transaction_are_bounded_and_its_writes_are_done() {
    let node = TestNode::started();
    let mut client = node.client();
    client.ok(&format!("SET large {}", "x".repeat(4 << 20)));
    let mut requests = vec![vec!["MULTI"]];
    requests.extend((0..80).map(|_| vec!["GETEX", "large", "PERSIST"]));
    requests.extend([vec!["INCR", "done"], vec!["EXEC"]]);
    let replies = client.pipeline(&requests);
    let all = replies.last().and_then(Value::items).unwrap();
    assert_eq!(all.len(), 81);
    let uncertain = |reply: &&Value| matches!(reply, Value::Error(line) if line.starts_with("UNCERTAIN"));
    assert!((16..=18).contains(&all.iter().filter(uncertain).count()), "the limit is 256 MiB");
    assert_eq!(client.text("GET done"), "1");
}

#[test]
fn a_client_without_replies_still_gets_the_messages_of_its_channels() {
    let node = TestNode::started();
    let (mut client, mut listener) = (node.client(), resp3(&node));
    listener.send(&["CLIENT", "REPLY", "OFF"]).unwrap();
    listener.send(&["SUBSCRIBE", "news"]).unwrap();
    let change = |kind: &str, count| Value::Push(vec![bulk(kind), bulk("news"), Value::Integer(count)]);
    assert_eq!(listener.receive().unwrap(), change("subscribe", 1));
    listener.send(&["SUBSCRIBE"]).unwrap();
    listener.send(&["PING"]).unwrap();
    assert_eq!(client.integer("PUBLISH news hello"), 1);
    assert_eq!(listener.receive().unwrap(), push(&["message", "news", "hello"]));
    listener.send(&["UNSUBSCRIBE", "news"]).unwrap();
    assert_eq!(listener.receive().unwrap(), change("unsubscribe", 0));
}
