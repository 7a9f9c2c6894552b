//! Clients that cache the values they read (`CLIENT TRACKING`) must not use a value that was
//! changed before their last reply.
//!
//! Each round changes a key that a client has cached. As soon as the writer has its reply, the
//! client reads its cache without a request to the node, so only an invalidation that has already
//! arrived can have updated it. `JSONVAULT_CACHE_ROUNDS` sets the number of rounds.

use std::collections::BTreeMap;

use jsonvault::resp::Value;

use crate::harness::{Client, Cluster, TestNode, size};

const KEYS: u64 = 8;

fn bulk(text: &str) -> Value {
    Value::Bulk(text.to_owned().into())
}

/// The way in which a client receives invalidations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Default,
    Broadcast,
    OptIn,
    OptOut,
    /// A RESP2 client receives invalidations through another connection.
    Redirect,
}

const MODES: [Mode; 5] = [Mode::Default, Mode::Broadcast, Mode::OptIn, Mode::OptOut, Mode::Redirect];

/// A client with a cache, implemented as in client libraries.
struct Caching {
    client: Client,
    /// The connection that receives the invalidations in RESP2.
    listener: Option<Client>,
    mode: Mode,
    cached: BTreeMap<String, Value>,
}

impl Caching {
    fn connect(address: &str, mode: Mode) -> Caching {
        let mut client = Client::connect(address);
        let mut listener = None;
        let words = match mode {
            Mode::Default => "CLIENT TRACKING ON".to_owned(),
            Mode::Broadcast => "CLIENT TRACKING ON BCAST".to_owned(),
            Mode::OptIn => "CLIENT TRACKING ON OPTIN".to_owned(),
            Mode::OptOut => "CLIENT TRACKING ON OPTOUT".to_owned(),
            Mode::Redirect => {
                let mut told = Client::connect(address);
                let id = told.integer("CLIENT ID");
                told.ask("SUBSCRIBE __redis__:invalidate");
                listener = Some(told);
                format!("CLIENT TRACKING ON REDIRECT {id}")
            }
        };
        if mode != Mode::Redirect {
            client.ask("HELLO 3");
        }
        client.ok(&words);
        Caching { client, listener, mode, cached: BTreeMap::new() }
    }

    /// Sends a request and returns its reply, after applying all invalidations that have arrived
    /// by then.
    fn ask(&mut self, line: &str) -> Value {
        self.client.send(&line.split(' ').collect::<Vec<_>>()).unwrap();
        loop {
            match self.client.receive().unwrap() {
                Value::Push(message) => self.hear(&message),
                reply => {
                    self.hear_what_arrived();
                    return reply;
                }
            }
        }
    }

    fn hear(&mut self, message: &[Value]) {
        match message {
            [_, .., Value::Array(keys)] => keys.iter().for_each(|key| {
                self.cached.remove(&*String::from_utf8_lossy(key.text().unwrap()));
            }),
            [_, .., Value::Null] => self.cached.clear(),
            other => panic!("{other:?}"),
        }
    }

    fn hear_what_arrived(&mut self) {
        let mut arrived = self.client.arrived().unwrap();
        if let Some(listener) = &mut self.listener {
            arrived.extend(listener.arrived().unwrap());
        }
        for message in arrived {
            match message {
                Value::Push(message) | Value::Array(message) => self.hear(&message),
                other => panic!("unexpected message: {other:?}"),
            }
        }
    }

    /// The value of a key as the client sees it: from its cache, unless an invalidation has
    /// arrived.
    fn get(&mut self, key: &str) -> Value {
        self.hear_what_arrived();
        if let Some(cached) = self.cached.get(key) {
            return cached.clone();
        }
        if self.mode == Mode::OptIn {
            self.ask("CLIENT CACHING YES");
        }
        let value = self.ask(&format!("GET {key}"));
        self.cached.insert(key.to_owned(), value.clone());
        value
    }
}

/// The client that changes a key, and the way in which it does so.
#[derive(Clone, Copy, Debug)]
enum Change {
    OwnSet,
    OthersSet,
    OwnFlush,
    OthersFlush,
    OwnExec,
    OthersExec,
    OthersExpiry,
}

const CHANGES: [Change; 7] = [
    Change::OwnSet,
    Change::OthersSet,
    Change::OwnExec,
    Change::OthersExec,
    Change::OwnFlush,
    Change::OthersFlush,
    Change::OthersExpiry,
];

/// Runs a round. Returns true if the client would have used a stale value.
fn is_stale(caching: &mut Caching, writer: &mut Client, change: Change, round: u64) -> bool {
    let key = format!("k{}", round % KEYS);
    caching.get(&key);
    let value = round.to_string();
    let set = format!("SET {key} {value}");
    let mut expected = bulk(&value);
    match change {
        Change::OwnSet => drop(caching.ask(&set)),
        Change::OthersSet => drop(writer.ask(&set)),
        Change::OwnExec => {
            for line in ["MULTI", &format!("GET {key}"), &set, "EXEC"] {
                caching.ask(line);
            }
        }
        Change::OthersExec => {
            for line in ["MULTI", &format!("GET {key}"), &set, "EXEC"] {
                writer.ask(line);
            }
        }
        Change::OwnFlush => {
            caching.ask("FLUSHALL");
            expected = Value::Null;
        }
        Change::OthersFlush => {
            writer.ask("FLUSHALL");
            expected = Value::Null;
        }
        // With a deadline in the past, the key is removed at once.
        Change::OthersExpiry => {
            writer.ask(&set);
            caching.get(&key);
            writer.ask(&format!("PEXPIREAT {key} 1"));
            expected = Value::Null;
        }
    }
    caching.get(&key) != expected
}

/// Runs rounds of all kinds at one node, while another client writes a key that the caching client
/// does not read.
fn stale_rounds(address: &str, mode: Mode, rounds: u64) -> Vec<(u64, Change)> {
    let stop = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut noise = Client::connect(address);
            while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                noise.ask("SET noise 1");
            }
        });
        let (mut caching, mut writer) = (Caching::connect(address, mode), Client::connect(address));
        let mut stale = Vec::new();
        for round in 0..rounds {
            let change = CHANGES[(round % CHANGES.len() as u64) as usize];
            if is_stale(&mut caching, &mut writer, change, round) {
                stale.push((round, change));
            }
        }
        stop.store(true, std::sync::atomic::Ordering::Relaxed);
        stale
    })
}

fn assert_none_is_stale(address: &str, what: &str) {
    let rounds = size("JSONVAULT_CACHE_ROUNDS", 700);
    for mode in MODES {
        let stale = stale_rounds(address, mode, rounds / MODES.len() as u64);
        assert!(
            stale.is_empty(),
            "{what}, {mode:?}: {} of {} rounds: {stale:?}",
            stale.len(),
            rounds / MODES.len() as u64
        );
    }
}

#[test]
fn no_cached_value_is_stale_at_the_last_reply() {
    let node = TestNode::started();
    assert_none_is_stale(node.address(), "alone");
}

#[test]
fn no_cached_value_is_stale_at_the_last_reply_of_a_leader_or_a_follower() {
    let cluster = Cluster::of_three(&[]);
    let leader = cluster.leader();
    assert_none_is_stale(cluster.address(leader), "at the leader");
    assert_none_is_stale(cluster.address(leader % 3 + 1), "at a follower");
}

fn invalidated(keys: &[&str]) -> Value {
    Value::Push(vec![bulk("invalidate"), Value::Array(keys.iter().map(|key| bulk(key)).collect())])
}

fn resp3(node: &TestNode) -> Client {
    let mut client = node.client();
    client.ask("HELLO 3");
    client
}

#[test]
fn a_client_gets_the_invalidation_of_its_own_change_before_the_reply() {
    let node = TestNode::started();
    let mut client = resp3(&node);
    client.ok("CLIENT TRACKING ON");
    client.ask("GET k");
    client.send(&["SET", "k", "1"]).unwrap();
    assert_eq!(client.receive().unwrap(), invalidated(&["k"]));
    assert_eq!(client.receive().unwrap(), Value::Simple("OK".into()));
    assert_eq!(client.ask("GET k"), bulk("1"));
    client.send(&["FLUSHALL"]).unwrap();
    assert_eq!(client.receive().unwrap(), Value::Push(vec![bulk("invalidate"), Value::Null]));
    assert_eq!(client.receive().unwrap(), Value::Simple("OK".into()));
}

#[test]
fn in_a_pipeline_replies_and_invalidations_are_in_order() {
    let node = TestNode::started();
    let mut client = node.client();
    let requests = ["HELLO 3", "CLIENT TRACKING ON", "GET k", "SET k 1", "GET k", "SET k 2", "PING"];
    let requests: Vec<Vec<&str>> = requests.iter().map(|line| line.split(' ').collect()).collect();
    requests.iter().for_each(|words| client.send(words).unwrap());
    assert!(matches!(client.receive().unwrap(), Value::Map(_)));
    let ok = Value::Simple("OK".into());
    let expected =
        [ok.clone(), Value::Null, invalidated(&["k"]), ok.clone(), bulk("1"), invalidated(&["k"]), ok];
    for expected in expected {
        assert_eq!(client.receive().unwrap(), expected);
    }
    assert_eq!(client.receive().unwrap(), Value::Simple("PONG".into()));
}

#[test]
fn keys_that_a_transaction_read_and_changed_are_invalidated_after_its_reply() {
    let node = TestNode::started();
    let mut client = resp3(&node);
    client.ok("CLIENT TRACKING ON");
    client.ok("MULTI");
    client.text("GET k");
    client.text("SET k 1");
    client.send(&["EXEC"]).unwrap();
    assert_eq!(client.receive().unwrap(), invalidated(&["k"]), "before the reply, as for any change");
    let reply = client.receive().unwrap();
    assert_eq!(reply, Value::Array(vec![Value::Null, Value::Simple("OK".into())]));
    assert_eq!(client.receive().unwrap(), invalidated(&["k"]), "the transaction read the old value");
    // The keys that the transaction only reads are tracked too.
    client.ok("MULTI");
    client.text("GET k");
    assert_eq!(client.ask("EXEC"), Value::Array(vec![bulk("1")]));
    node.client().ok("SET k 2");
    assert_eq!(client.receive().unwrap(), invalidated(&["k"]));
    assert_eq!(client.text("PING"), "PONG");
}

#[test]
fn a_key_too_long_to_be_tracked_is_invalidated_after_its_reply() {
    let node = TestNode::started();
    let mut client = resp3(&node);
    client.ok("CLIENT TRACKING ON");
    let key = "k".repeat(5000);
    assert_eq!(client.ask(&format!("GET {key}")), Value::Null);
    assert_eq!(client.receive().unwrap(), invalidated(&[&key]));
}

#[test]
fn a_client_without_replies_still_gets_invalidations() {
    let node = TestNode::started();
    let mut client = resp3(&node);
    client.ok("CLIENT TRACKING ON BCAST");
    for line in ["CLIENT REPLY OFF", "SET k 1", "GET k", "CLIENT REPLY ON"] {
        client.send(&line.split(' ').collect::<Vec<_>>()).unwrap();
    }
    assert_eq!(client.receive().unwrap(), invalidated(&["k"]));
    assert_eq!(client.receive().unwrap(), Value::Simple("OK".into()), "of CLIENT REPLY ON");
}

#[test]
fn the_keys_of_each_prefix_come_in_a_message_of_their_own() {
    let node = TestNode::started();
    let mut client = resp3(&node);
    client.ok("CLIENT TRACKING ON BCAST PREFIX a: PREFIX b:");
    node.client().ok("MSET b:1 1 a:1 1 c:1 1 b:2 1 a:2 1");
    assert_eq!(client.receive().unwrap(), invalidated(&["a:1", "a:2"]));
    assert_eq!(client.receive().unwrap(), invalidated(&["b:1", "b:2"]));
    assert_eq!(client.text("PING"), "PONG");
}

#[test]
fn a_lower_limit_invalidates_keys_at_once() {
    let node = TestNode::started();
    let mut client = resp3(&node);
    client.ok("CLIENT TRACKING ON");
    let keys = ["k1", "k2", "k3"];
    keys.iter().for_each(|key| assert_eq!(client.ask(&format!("GET {key}")), Value::Null));
    node.client().ok("CONFIG SET tracking-table-max-keys 1");
    let told = [client.receive().unwrap(), client.receive().unwrap()];
    assert!(told.iter().all(|told| keys.iter().any(|key| *told == invalidated(&[key]))), "{told:?}");
    assert_ne!(told[0], told[1]);
    assert_eq!(client.text("PING"), "PONG");
}

#[test]
fn a_client_is_told_when_its_redirection_target_disconnects() {
    let node = TestNode::started();
    let (mut client, mut listener) = (node.client(), node.client());
    let id = listener.integer("CLIENT ID");
    client.ok(&format!("CLIENT TRACKING ON REDIRECT {id}"));
    let flags = |client: &mut Client| match client.ask("CLIENT TRACKINGINFO") {
        Value::Array(fields) => fields[1].clone(),
        other => panic!("{other:?}"),
    };
    assert_eq!(flags(&mut client), Value::Array(vec![bulk("on")]));
    assert!(client.text("CLIENT INFO").contains(" flags=t "));
    node.client().integer(&format!("CLIENT KILL ID {id}"));
    crate::harness::wait::until("the redirection to be broken", || {
        (flags(&mut client) == Value::Array(vec![bulk("on"), bulk("broken_redirect")])).then_some(())
    });
    assert!(client.text("CLIENT INFO").contains(" flags=tR "));
}

#[test]
fn a_caching_client_that_does_not_read_is_disconnected_and_delays_no_other() {
    let node = TestNode::started();
    let (mut slow, mut writer) = (resp3(&node), node.client());
    slow.ok("CLIENT SETNAME slow");
    slow.ok("CLIENT TRACKING ON BCAST");
    let key = "k".repeat(1 << 20);
    // Exceeds the output limit and the bytes that the operating system buffers for a connection.
    for _ in 0..60 {
        writer.ok(&format!("SET {key} 1"));
    }
    crate::harness::wait::until("the client to be disconnected", || {
        (!writer.text("CLIENT LIST").contains("name=slow")).then_some(())
    });
}
