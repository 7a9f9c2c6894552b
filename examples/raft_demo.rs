//! One node, seen from inside: founds its Raft group, takes writes from a client, stops, and starts again on the
//! same directory with everything it had acknowledged.
//!
//!     cargo run --example raft_demo
//!
//! Ends with a code other than 0 if anything is not as it should be.

use std::error::Error;
use std::ffi::OsString;
use std::path::Path;
use std::time::Duration;

use jsonvault::config::Config;
use jsonvault::error::Fatal;
use jsonvault::node::Node;
use jsonvault::raft::{Group, Status};
use redis::Connection;
use tokio::runtime::Runtime;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

type Outcome<T> = Result<T, Box<dyn Error>>;

const USERS: [(&str, &str); 3] = [
    ("user:1", r#"{"name":"Alice","age":30,"tags":["admin"]}"#),
    ("user:2", r#"{"name":"Bob","age":25,"tags":[]}"#),
    ("user:3", r#"{"name":"Carol","age":41,"tags":["author","editor"]}"#),
];

fn main() -> Outcome<()> {
    let dir = tempfile::tempdir()?;
    let runtime = Runtime::new()?;

    println!("1. A node starts on an empty directory and founds a group of one.");
    let node = Running::start(&runtime, dir.path())?;
    let founded = node.show()?;
    ensure(founded.is_leader() && founded.cluster_size == 1, "a node that is alone leads")?;

    println!("\n2. A client writes; each answer comes after the entry is on disk and applied.");
    let mut client = node.connect()?;
    for (key, json) in USERS {
        run(&mut client, &["JSON.SET", key, "$", json], "OK")?;
    }
    run(&mut client, &["JSON.NUMINCRBY", "user:1", "$.age", "1"], "[31]")?;
    run(&mut client, &["JSON.MERGE", "user:2", "$", r#"{"city":"Paris","tags":null}"#], "OK")?;
    run(&mut client, &["JSON.GET", "user:2", "$"], r#"[{"name":"Bob","age":25,"city":"Paris"}]"#)?;
    let written = node.show()?;
    let entries = written.last_applied.unwrap_or(0) - founded.last_applied.unwrap_or(0);
    ensure(entries == 5, "five writes, one after the other, are five entries")?;
    ensure(written.last_applied == written.commit_index, "what is committed is applied")?;

    println!("\n3. Writes that arrive together share entries, and so one sync of the disk.");
    let mut pipeline = redis::pipe();
    for number in 0..1000 {
        pipeline.cmd("JSON.SET").arg(format!("item:{number}")).arg("$").arg(number).ignore();
    }
    pipeline.query::<()>(&mut client)?;
    let piped = node.show()?;
    let entries = piped.last_applied.unwrap_or(0) - written.last_applied.unwrap_or(0);
    println!("   1000 writes, {entries} entries, {} syncs", piped.log.syncs - written.log.syncs);
    ensure(entries < 1000, "a batch is one entry")?;

    println!("\n4. The node stops. Its directory is all that is left.");
    drop(client);
    node.stop(&runtime)?;

    println!("\n5. It starts again and reads its log before it answers.");
    let node = Running::start(&runtime, dir.path())?;
    let recovered = node.show()?;
    ensure(recovered.is_leader(), "it leads again")?;
    ensure(recovered.term >= piped.term, "a term never falls")?;
    ensure(recovered.last_applied >= piped.last_applied, "everything acknowledged is applied again")?;
    let mut client = node.connect()?;
    run(&mut client, &["JSON.GET", "user:1", "$.age"], "[31]")?;
    run(&mut client, &["JSON.GET", "user:2", "$.city"], r#"["Paris"]"#)?;
    run(&mut client, &["JSON.GET", "item:999"], "999")?;
    let keys: u64 = redis::cmd("DBSIZE").query(&mut client)?;
    println!("   DBSIZE -> {keys}");
    ensure(keys == 1003, "no key is lost, and none is new")?;

    println!("\n6. Nobody else may use the directory meanwhile.");
    match runtime.block_on(Node::start(config(dir.path())?)) {
        Err(refusal @ Fatal::Directory { .. }) => println!("   {refusal}"),
        Err(other) => return Err(other.into()),
        Ok(_) => return Err("a second node started on the same directory".into()),
    }
    drop(client);
    node.stop(&runtime)?;
    println!("\nAll as it should be.");
    Ok(())
}

/// A node that serves clients on a port of its own.
struct Running {
    url: String,
    group: Group,
    stop: oneshot::Sender<()>,
    done: JoinHandle<Result<(), Fatal>>,
}

impl Running {
    fn start(runtime: &Runtime, dir: &Path) -> Outcome<Running> {
        let node = runtime.block_on(Node::start(config(dir)?))?;
        let (url, group) = (format!("redis://{}", node.address()), node.group().clone());
        let (stop, told) = oneshot::channel();
        let done = runtime.spawn(node.run(async {
            let _ = told.await;
        }));
        runtime.block_on(group.wait_until_loaded())?;
        Ok(Running { url, group, stop, done })
    }

    fn connect(&self) -> Outcome<Connection> {
        Ok(redis::Client::open(self.url.as_str())?.get_connection()?)
    }

    /// Prints the state of the group, once what is in the log is applied. The status is brought up to date by a
    /// task of its own, a moment after the answers.
    fn show(&self) -> Outcome<Status> {
        let is_settled =
            |status: &Status| status.leader.is_some() && status.last_applied == status.last_log_index;
        let mut status = self.group.status();
        for _ in 0..500 {
            if is_settled(&status) {
                break;
            }
            std::thread::sleep(Duration::from_millis(10));
            status = self.group.status();
        }
        ensure(is_settled(&status), "a node applies its log within seconds")?;
        let index = |index: Option<u64>| index.map_or_else(|| "none".to_string(), |index| index.to_string());
        println!(
            "   node {} is {} in term {}; last log index {}, committed {}, applied {}",
            status.node_id,
            status.state.name(),
            status.term,
            index(status.last_log_index),
            index(status.commit_index),
            index(status.last_applied),
        );
        Ok(status)
    }

    fn stop(self, runtime: &Runtime) -> Outcome<()> {
        self.stop.send(()).map_err(|()| "the node had stopped by itself")?;
        Ok(runtime.block_on(self.done)??)
    }
}

/// What `server --address 127.0.0.1:0 --dir DIR` would run with.
fn config(dir: &Path) -> Outcome<Config> {
    let arguments = ["server", "--address", "127.0.0.1:0", "--raft-address", "127.0.0.1:0", "--dir"];
    Ok(Config::load(arguments.iter().map(OsString::from).chain([dir.into()]))?)
}

/// Sends one command, prints the answer and compares it.
fn run(client: &mut Connection, words: &[&str], expected: &str) -> Outcome<()> {
    let mut command = redis::cmd(words[0]);
    for word in &words[1..] {
        command.arg(*word);
    }
    let answer: String = command.query(client)?;
    println!("   {} -> {answer}", words.join(" "));
    ensure(answer == expected, &format!("expected {expected}"))
}

fn ensure(holds: bool, promise: &str) -> Outcome<()> {
    if holds { Ok(()) } else { Err(format!("broken promise: {promise}").into()) }
}
