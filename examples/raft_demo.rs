//! Runs three nodes in one process. They elect a leader and accept writes on any node. The leader
//! is killed, the other two continue, and the killed node returns and receives every acknowledged
//! write.
//!
//!     cargo run --example raft_demo
//!
//! Exits with a non-zero code if a step does not have the expected result.
#![allow(clippy::disallowed_methods, reason = "the demo measures real time")]

use std::error::Error;
use std::ffi::OsString;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use jsonvault::cluster::Group;
use jsonvault::config::Config;
use jsonvault::node::Node;
use jsonvault::raft::Status;
use redis::Connection;
use tokio::runtime::Runtime;

type Outcome<T> = Result<T, Box<dyn Error>>;

/// Maximum wait for a step, far longer than three nodes on one machine need.
const PATIENCE: Duration = Duration::from_secs(30);

fn main() -> Outcome<()> {
    let home = tempfile::tempdir()?;
    let mut cluster = Cluster::new(home.path())?;

    println!("1. Three nodes start on empty directories, form a cluster and elect a leader.");
    (1..=3).try_for_each(|id| cluster.start(id))?;
    let leader = cluster.leader()?;
    cluster.show(None)?;

    println!("\n2. Any node accepts writes, and all nodes read what any node has acknowledged.");
    let [first, second] = cluster.others(leader);
    run(
        &cluster,
        first,
        &["JSON.SET", "user:1", "$", r#"{"name":"Alice","age":30,"tags":["admin"]}"#],
        "OK",
    )?;
    run(&cluster, second, &["JSON.NUMINCRBY", "user:1", "$.age", "1"], "[31]")?;
    for id in [leader, first, second] {
        run(&cluster, id, &["JSON.GET", "user:1", "$.age"], "[31]")?;
    }
    cluster.write_items(first, 0..1000)?;

    println!("\n3. Node {leader}, the leader, disappears at once: no hand-over, no further reply.");
    let begun = Instant::now();
    cluster.kill(leader);
    run(&cluster, second, &["JSON.ARRAPPEND", "user:1", "$.tags", r#""author""#], "2")?;
    println!("   a write is acknowledged again after {} ms", begun.elapsed().as_millis());
    let next = cluster.leader()?;
    ensure(next != leader, "another node leads")?;
    cluster.write_items(second, 1000..2000)?;
    cluster.show(Some(leader))?;

    println!("\n4. Node {leader} starts again with its data, follows, and receives what it missed.");
    cluster.start(leader)?;
    let statuses = cluster.show(None)?;
    let applied = statuses[0].last_applied;
    ensure(
        statuses.iter().all(|status| status.last_applied == applied),
        "all nodes have applied the same log",
    )?;
    for id in 1..=3 {
        run(&cluster, id, &["JSON.GET", "user:1", "$.tags"], r#"[["admin","author"]]"#)?;
        let keys: u64 = redis::cmd("DBSIZE").query(&mut cluster.connect(id)?)?;
        ensure(keys == 2001, "no key is lost, and none is new")?;
    }

    println!("\n5. One node of three is no majority: a write is refused, and changes nothing.");
    // The write goes to a follower: the leader could propose the write, and would then reply
    // `UNCERTAIN`.
    let leader = cluster.leader()?;
    let [alone, other] = cluster.others(leader);
    cluster.kill(leader);
    cluster.kill(other);
    let mut client = cluster.connect(alone)?;
    let refused = redis::cmd("JSON.SET").arg("user:1").arg("$").arg("{}").query::<String>(&mut client);
    let refused = refused.err().ok_or("a write was acknowledged by one node of three")?;
    println!("   node {alone}: JSON.SET user:1 $ {{}} -> {refused}");
    redis::cmd("READONLY").query::<()>(&mut client)?;
    let name: String = redis::cmd("JSON.GET").arg("user:1").arg("$.name").query(&mut client)?;
    println!("   node {alone}: READONLY, then JSON.GET user:1 $.name -> {name}");
    println!("\nEverything happened as expected.");
    Ok(())
}

/// Nodes 1 to 3, each with its own runtime, so that one of them can be stopped alone.
struct Cluster {
    peers: String,
    dir: PathBuf,
    addresses: Vec<String>,
    running: [Option<Running>; 3],
}

struct Running {
    runtime: Runtime,
    group: Group,
}

impl Cluster {
    fn new(dir: &Path) -> Outcome<Cluster> {
        // Bound all at the same time, so that the ports differ.
        let listeners = (0..6).map(|_| TcpListener::bind("127.0.0.1:0")).collect::<Result<Vec<_>, _>>()?;
        let addresses = listeners.iter().map(|listener| Ok(listener.local_addr()?.to_string()));
        let addresses = addresses.collect::<Outcome<Vec<String>>>()?;
        let (clients, others) = addresses.split_at(3);
        let peers = clients.iter().zip(others).enumerate();
        let peers: Vec<String> =
            peers.map(|(nth, (client, other))| format!("{}={client}@{other}", nth + 1)).collect();
        Ok(Cluster {
            peers: peers.join(","),
            dir: dir.to_owned(),
            addresses: clients.to_vec(),
            running: Default::default(),
        })
    }

    /// Starts a node with the flags `--node-id`, `--address`, `--raft-address`, `--peers` and
    /// `--dir`.
    fn start(&mut self, id: u64) -> Outcome<()> {
        let (address, number) = (&self.addresses[id as usize - 1], id.to_string());
        let raft = self.peers.split(',').nth(id as usize - 1).and_then(|peer| peer.split_once('@'));
        let (_, raft) = raft.ok_or("a node is one of its peers")?;
        let words = ["server", "--node-id", &number, "--address", address, "--raft-address", raft];
        let words = words.into_iter().chain(["--peers", &self.peers, "--dir"]).map(OsString::from);
        let config = Config::load(words.chain([self.dir.join(&number).into()]))?;
        let runtime = Runtime::new()?;
        let node = runtime.block_on(Node::start(config))?;
        let group = node.group().clone();
        runtime.spawn(node.run(std::future::pending()));
        self.running[id as usize - 1] = Some(Running { runtime, group });
        Ok(())
    }

    /// Stops a node at once, without a shutdown.
    fn kill(&mut self, id: u64) {
        if let Some(Running { runtime, group }) = self.running[id as usize - 1].take() {
            drop(group);
            runtime.shutdown_timeout(PATIENCE);
        }
    }

    fn others(&self, id: u64) -> [u64; 2] {
        match id {
            1 => [2, 3],
            2 => [1, 3],
            _ => [1, 2],
        }
    }

    fn connect(&self, id: u64) -> Outcome<Connection> {
        let address = &self.addresses[id as usize - 1];
        Ok(redis::Client::open(format!("redis://{address}"))?.get_connection()?)
    }

    fn statuses(&self) -> Vec<Status> {
        self.running.iter().flatten().map(|running| running.group.status()).collect()
    }

    /// Waits until all running nodes agree on a leader, and returns its id.
    fn leader(&self) -> Outcome<u64> {
        wait_for("a leader that all know", || {
            let statuses = self.statuses();
            let leader = statuses.iter().find(|status| status.is_leader())?.node_id;
            statuses.iter().all(|status| status.leader == Some(leader)).then_some(leader)
        })
    }

    /// Waits until every running node has applied the whole log, and prints the state of each.
    fn show(&self, gone: Option<u64>) -> Outcome<Vec<Status>> {
        self.leader()?;
        let statuses = wait_for("every node to apply the log", || {
            let statuses = self.statuses();
            let last = statuses.iter().map(|status| status.last_log_index).max()?;
            let settled = |status: &Status| status.last_applied == last && status.commit_index == last;
            statuses.iter().all(settled).then_some(statuses)
        })?;
        for id in 1..=3 {
            match statuses.iter().find(|status| status.node_id == id) {
                Some(status) => println!(
                    "   node {id}: {:<8} in term {}; log up to {}, all of it applied",
                    status.role.name(),
                    status.term,
                    status.last_applied.unwrap_or(0),
                ),
                None => ensure(gone == Some(id), "only the killed node is gone")
                    .map(|()| println!("   node {id}: gone"))?,
            }
        }
        Ok(statuses)
    }

    /// Sends writes at the same time, so that they share log entries, messages and syncs.
    fn write_items(&self, id: u64, numbers: std::ops::Range<u32>) -> Outcome<()> {
        let before = self.entries();
        let count = numbers.len();
        let mut pipeline = redis::pipe();
        for number in numbers {
            pipeline.cmd("JSON.SET").arg(format!("item:{number}")).arg("$").arg(number).ignore();
        }
        pipeline.query::<()>(&mut self.connect(id)?)?;
        println!("   node {id}: {count} more writes, {} entries", self.entries() - before);
        Ok(())
    }

    /// The highest known index of a log entry.
    fn entries(&self) -> u64 {
        self.statuses().iter().filter_map(|status| status.last_log_index).max().unwrap_or(0)
    }
}

fn wait_for<T>(what: &str, mut probe: impl FnMut() -> Option<T>) -> Outcome<T> {
    let begun = Instant::now();
    while begun.elapsed() < PATIENCE {
        if let Some(found) = probe() {
            return Ok(found);
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    Err(format!("broken promise: {what}").into())
}

/// Sends one command to a node, prints the reply, and compares it with the expected one.
fn run(cluster: &Cluster, id: u64, words: &[&str], expected: &str) -> Outcome<()> {
    let mut command = redis::cmd(words[0]);
    for word in &words[1..] {
        command.arg(*word);
    }
    let value: redis::Value = command.query(&mut cluster.connect(id)?)?;
    let answer = match value {
        redis::Value::Array(items) => {
            redis::from_redis_value::<Vec<String>>(redis::Value::Array(items))?.join(" ")
        }
        other => redis::from_redis_value::<String>(other)?,
    };
    println!("   node {id}: {} -> {answer}", words.join(" "));
    ensure(answer == expected, &format!("expected {expected}"))
}

fn ensure(holds: bool, promise: &str) -> Outcome<()> {
    if holds { Ok(()) } else { Err(format!("broken promise: {promise}").into()) }
}
