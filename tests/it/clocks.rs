//! Nodes with wrong clocks. They run in this process, each with a clock of its own, because
//! processes share the system's clock.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use jsonvault::config::Config;
use jsonvault::env::{Clock, RealDisk, RealNet, SystemClock};
use jsonvault::error::Fatal;
use jsonvault::node::Node;
use jsonvault::resp::Value;
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::harness::Client;
use crate::harness::cluster::free_address;
use crate::harness::wait::until;

const HOUR_MS: i64 = 3_600_000;
/// The lifetime of keys. It is longer than any test takes, and shorter than the errors of the
/// clocks.
const STAYS_MS: i64 = 1_000_000;

/// The system's clocks, with an error in the time of day.
#[derive(Debug)]
struct Wrong {
    system: SystemClock,
    ahead_ms: AtomicI64,
}

impl Clock for Wrong {
    fn now_ms(&self) -> u64 {
        self.system.now_ms().saturating_add_signed(self.ahead_ms.load(Ordering::SeqCst))
    }

    fn elapsed(&self) -> Duration {
        self.system.elapsed()
    }
}

fn ahead(ms: i64) -> Arc<Wrong> {
    Arc::new(Wrong { system: SystemClock::new(), ahead_ms: AtomicI64::new(ms) })
}

/// A node that serves until it is stopped.
struct Serving {
    stop: oneshot::Sender<()>,
    end: JoinHandle<Result<(), Fatal>>,
}

fn serve(runtime: &Runtime, flags: &[&str], dir: &Path, clock: Arc<Wrong>) -> Serving {
    let words = [&["server", "--dir", dir.to_str().unwrap()][..], flags].concat();
    let config = Config::load(words.into_iter().map(Into::into)).unwrap();
    let starting = Node::start_on(config, RealDisk::shared(), clock, RealNet::shared());
    let node = runtime.block_on(starting).unwrap();
    let (stop, stops) = oneshot::channel::<()>();
    Serving { stop, end: runtime.spawn(node.run(async move { drop(stops.await) })) }
}

struct Three {
    clocks: Vec<Arc<Wrong>>,
    addresses: Vec<String>,
    _serving: Vec<Serving>,
    // The nodes run in the runtime and use the directory, so the runtime is dropped first.
    _runtime: Runtime,
    _home: TempDir,
}

impl Three {
    fn with_clocks(ahead_ms: [i64; 3]) -> Three {
        let (runtime, home) = (Runtime::new().unwrap(), tempfile::tempdir().unwrap());
        let places: Vec<(String, String)> = (0..3).map(|_| (free_address(), free_address())).collect();
        let said = |(at, (client, raft)): (usize, &(String, String))| format!("{}={client}@{raft}", at + 1);
        let peers = places.iter().enumerate().map(said).collect::<Vec<_>>().join(",");
        let clocks: Vec<_> = ahead_ms.into_iter().map(ahead).collect();
        let start = |at: usize| {
            let (id, (client, raft)) = ((at + 1).to_string(), &places[at]);
            let flags = ["--node-id", &id, "--address", client, "--raft-address", raft, "--peers", &peers];
            serve(&runtime, &flags, &home.path().join(&id), clocks[at].clone())
        };
        let serving = (0..3).map(start).collect();
        let addresses = places.into_iter().map(|(client, _)| client).collect();
        Three { clocks, addresses, _serving: serving, _runtime: runtime, _home: home }
    }

    fn clients(&self) -> Vec<Client> {
        self.addresses.iter().map(|address| Client::connect(address)).collect()
    }

    /// Makes a node the leader, and waits until all nodes have noticed.
    fn lead(&self, at: usize) {
        let id = at as i64 + 1;
        until("leadership to be handed over", || {
            let leaders: Vec<i64> =
                self.clients().iter_mut().map(|client| client.info_number("leader_id")).collect();
            let leader = leaders[0];
            if leader > 0 && leader != id {
                self.clients()[leader as usize - 1].ask(&format!("RAFT.TRANSFER_LEADER {id}"));
            }
            leaders.iter().all(|leader| *leader == id).then_some(())
        });
    }
}

/// Checks that a key with a lifetime of [`STAYS_MS`], set after `begun`, still exists and has the
/// same deadline on all nodes.
fn assert_stays(clients: &mut [Client], key: &str, begun: Instant) {
    let mut until_ms = Vec::new();
    for client in clients {
        let left = client.integer(&format!("PTTL {key}"));
        let passed = begun.elapsed().as_millis() as i64;
        // The leader may let the time run faster by a thousandth.
        let least = STAYS_MS - passed - passed / 1_000 - 2;
        assert!(
            (least..=STAYS_MS).contains(&left),
            "{key} stays for {left} ms, {passed} ms after it was put"
        );
        until_ms.push(client.integer(&format!("PEXPIRETIME {key}")));
    }
    assert!(until_ms.iter().all(|one| *one == until_ms[0]), "{key}: {until_ms:?}");
}

#[test]
fn a_key_keeps_its_lifetime_whatever_the_nodes_clocks_say() {
    let nodes = Three::with_clocks([0, HOUR_MS, -HOUR_MS]);
    let mut clients = nodes.clients();
    for leader in 0..3 {
        nodes.lead(leader);
        for through in 0..3 {
            let begun = Instant::now();
            let client = &mut clients[through];
            client.ok(&format!("SET set value PX {STAYS_MS}"));
            client.ok(&format!("SETEX setex {} value", STAYS_MS / 1_000));
            client.ok(&format!("JSON.SET document $ 1 PX {STAYS_MS}"));
            client.ok("MSET expire value getex value inside value at value");
            assert_eq!(client.integer(&format!("PEXPIRE expire {STAYS_MS}")), 1);
            client.text(&format!("GETEX getex PX {STAYS_MS}"));
            client.ok("MULTI");
            client.text(&format!("PEXPIRE inside {STAYS_MS}"));
            client.text("PTTL inside");
            assert_eq!(client.ask("EXEC"), Value::Array(vec![Value::Integer(1), Value::Integer(STAYS_MS)]));
            for key in ["set", "setex", "document", "expire", "getex", "inside"] {
                assert_stays(&mut clients, key, begun);
            }
            let time = clients[(through + 1) % 3].ask("TIME").items().unwrap()[0].clone();
            let seconds: i64 = String::from_utf8_lossy(time.text().unwrap()).parse().unwrap();
            let until_seconds = seconds + STAYS_MS / 1_000;
            assert_eq!(clients[through].integer(&format!("EXPIREAT at {until_seconds}")), 1);
            assert_eq!(clients[leader].integer("EXPIRETIME at"), until_seconds);
            assert_ne!(clients[leader].integer("TTL at"), -2);
        }
    }
}

#[test]
fn setting_a_clock_makes_no_key_vanish_or_return() {
    let nodes = Three::with_clocks([0; 3]);
    let mut clients = nodes.clients();
    nodes.lead(0);
    let begun = Instant::now();
    clients[1].ok(&format!("SET stays value PX {STAYS_MS}"));
    clients[2].ok("SET goes value PX 1");
    for client in &mut clients {
        until("the key to expire", || (client.ask("GET goes") == Value::Null).then_some(()));
    }
    for jump in [2 * HOUR_MS, -2 * HOUR_MS, 0] {
        for at in 0..3 {
            nodes.clocks[at].ahead_ms.store(jump, Ordering::SeqCst);
            assert_stays(&mut clients, "stays", begun);
            let put = Instant::now();
            clients[at].ok(&format!("SET new value PX {STAYS_MS}"));
            assert_stays(&mut clients, "new", put);
            clients.iter_mut().for_each(|client| assert_eq!(client.integer("EXISTS goes"), 0));
        }
        // Checks the lasting key with another leader too, whose clock was also set.
        nodes.lead(if jump > 0 { 1 } else { 2 });
        assert_stays(&mut clients, "stays", begun);
    }
    assert!(clients[0].info_number("wall_clock_ahead_ms").abs() < HOUR_MS);
}

#[test]
fn a_single_node_starts_with_its_clock_or_with_the_time_of_its_newest_entry() {
    let (runtime, home) = (Runtime::new().unwrap(), tempfile::tempdir().unwrap());
    let address = free_address();
    let begun = Instant::now();
    // Compared with the first run, the clock of the second is behind and that of the third is
    // ahead.
    for (run, ahead_ms) in [0, -HOUR_MS, HOUR_MS].into_iter().enumerate() {
        let serving = serve(&runtime, &["--address", &address], home.path(), ahead(ahead_ms));
        let mut client = Client::connect(&address);
        until("the log to be applied", || (client.info("loading")? == "0").then_some(()));
        match run {
            0 => {
                client.ok(&format!("SET stays value PX {STAYS_MS}"));
                client.ok("SAVE");
                client.ok("SET last value");
            }
            1 => assert_stays(&mut [client], "stays", begun),
            _ => assert_eq!(client.integer("PTTL stays"), -2),
        }
        serving.stop.send(()).unwrap();
        runtime.block_on(serving.end).unwrap().unwrap();
    }
}

#[test]
fn expired_keys_are_removed_and_counted_whichever_way_they_are_found() {
    let (runtime, home) = (Runtime::new().unwrap(), tempfile::tempdir().unwrap());
    let address = free_address();
    let _serving = serve(&runtime, &["--address", &address], home.path(), ahead(0));
    let mut client = Client::connect(&address);
    let put = |number: i64| {
        ["SET".to_owned(), format!("k{number}"), "v".to_owned(), "PX".to_owned(), "1".to_owned()]
    };
    // Number of keys: more than one entry can remove.
    let keys = 2_500;
    client.pipeline(&(0..keys).map(|number| put(number).to_vec()).collect::<Vec<_>>());
    client.ok("SET stays value EX 1000");
    until("all that expired to be gone", || (client.integer("DBSIZE") == 1).then_some(()));
    until("all of them to be counted", || (client.info_number("expired_keys") == keys).then_some(()));
    client.ok("CONFIG RESETSTAT");
    assert_eq!(client.info_number("expired_keys"), 0);
    for round in 1..=20 {
        client.ok("SET over value PX 1");
        until("the key to expire", || (client.integer("PTTL over") == -2).then_some(()));
        client.ok("SET over value");
        assert_eq!(client.info_number("expired_keys"), round, "removed or overwritten");
    }
}
