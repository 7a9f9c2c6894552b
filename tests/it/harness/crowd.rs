//! Clients that write and read on every node of a cluster, and check their replies.
//!
//! Each client writes documents and a counter of its own, and reads the newest documents and
//! counters of all clients, always through a random node.
//!
//! Invariants of the cluster that they check:
//! * a read sees every write that any node acknowledged before the read began;
//! * an acknowledged write persists, a refused write never appears, and no write is applied twice;
//! * every error means either that the client may retry, or that the write is uncertain.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use jsonvault::resp::Value;

use super::client::text_of;
use super::documents::{Ledger, document, set_request};
use super::wait::until;
use super::{Client, Dice};

/// The codes of errors after which nothing was done.
const NOT_DONE: [&str; 3] = ["CLUSTERDOWN", "TRYAGAIN", "LOADING"];
const PERHAPS_DONE: &str = "UNCERTAIN";
/// The name under which lost connections are counted.
const LOST: &str = "(the connection was lost)";
const UNREACHABLE: &str = "(no connection)";
/// The document that has the counters of all clients. It is the only key beside the documents in
/// the ledger.
const COUNTERS: &str = "counters";
/// Number of acknowledged writes per client that count as progress.
const PROGRESS: u64 = 10;

pub struct Crowd {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<Ledger>>,
}

struct Shared {
    nodes: Mutex<Vec<String>>,
    stopping: AtomicBool,
    clients: Vec<Progress>,
    errors: Mutex<BTreeMap<String, u64>>,
    reads: AtomicU64,
}

/// The acknowledged writes of one client, as all clients see them.
#[derive(Default)]
struct Progress {
    /// The number of the last acknowledged document, counted from 1; 0 if there is none.
    document: AtomicU64,
    /// The highest acknowledged value of the client's counter.
    counter: AtomicU64,
    increments: AtomicU64,
    uncertain_increments: AtomicU64,
    writes: AtomicU64,
}

/// The operations of the clients, and the replies that they got.
pub struct Seen {
    pub ledger: Ledger,
    /// How often each error occurred, including lost connections.
    pub errors: BTreeMap<String, u64>,
    pub writes: u64,
    pub reads: u64,
    /// For each client, the minimum and the maximum number of increments that may have been
    /// applied.
    increments: Vec<(u64, u64)>,
}

/// The outcome of a request.
enum Outcome {
    Answered(Value),
    Refused,
    Unknown,
}

impl Crowd {
    /// Starts `count` clients of these nodes, and waits until each of them makes progress.
    pub fn start(count: usize, nodes: Vec<String>) -> Crowd {
        let crowd = Crowd::spawn(count, nodes);
        crowd.wait_for_progress();
        crowd
    }

    /// Starts `count` clients of these nodes.
    pub fn spawn(count: usize, nodes: Vec<String>) -> Crowd {
        let counters = (0..count).map(|client| format!(r#""c{client}":0"#)).collect::<Vec<_>>().join(",");
        Client::connect(&nodes[0]).ok(&format!("JSON.SET {COUNTERS} $ '{{{counters}}}'"));
        let shared = Arc::new(Shared {
            nodes: Mutex::new(nodes),
            stopping: AtomicBool::new(false),
            clients: (0..count).map(|_| Progress::default()).collect(),
            errors: Mutex::default(),
            reads: AtomicU64::new(0),
        });
        let mut dice = Dice::new();
        let threads = (0..count).map(|number| {
            let (shared, dice) = (shared.clone(), Dice(dice.below(u64::MAX)));
            let member = Member { number, shared, dice, open: BTreeMap::new(), ledger: Ledger::default() };
            std::thread::spawn(move || member.run())
        });
        let threads = threads.collect();
        Crowd { shared, threads }
    }

    /// Waits until a client finds that an invariant does not hold, stops the others, and returns
    /// its message.
    pub fn wait_for_complaint(self) -> String {
        until("a complaint", || self.threads.iter().any(JoinHandle::is_finished).then_some(()));
        self.shared.stopping.store(true, Ordering::SeqCst);
        let ended = self.threads.into_iter().map(JoinHandle::join).collect::<Vec<_>>();
        let complaint = ended.into_iter().find_map(Result::err).expect("a client ends early by a panic");
        *complaint.downcast::<String>().expect("a panic has a message")
    }

    /// From now on, the clients use these nodes.
    pub fn use_nodes(&self, nodes: Vec<String>) {
        *self.shared.nodes.lock().unwrap() = nodes;
    }

    /// Waits until each client has [`PROGRESS`] further writes acknowledged.
    pub fn wait_for_progress(&self) {
        let count = |client: &Progress| client.writes.load(Ordering::SeqCst);
        let before: Vec<u64> = self.shared.clients.iter().map(count).collect();
        for ((client, thread), before) in self.shared.clients.iter().zip(&self.threads).zip(before) {
            until("writes to be acknowledged", || {
                assert!(!thread.is_finished(), "no client ends early");
                (count(client) >= before + PROGRESS).then_some(())
            });
        }
    }

    /// Stops the clients, and returns what they have done.
    pub fn stop(self) -> Seen {
        self.shared.stopping.store(true, Ordering::SeqCst);
        let mut ledger = Ledger::default();
        self.threads.into_iter().for_each(|thread| ledger.merge(thread.join().unwrap()));
        let number = |number: &AtomicU64| number.load(Ordering::SeqCst);
        let clients = &self.shared.clients;
        let increments = clients.iter().map(|client| {
            let done = number(&client.increments);
            (done, done + number(&client.uncertain_increments))
        });
        let seen = Seen {
            ledger,
            errors: self.shared.errors.lock().unwrap().clone(),
            writes: clients.iter().map(|client| number(&client.writes)).sum(),
            reads: number(&self.shared.reads),
            increments: increments.collect(),
        };
        println!("{} writes acknowledged, {} reads, errors: {:?}", seen.writes, seen.reads, seen.errors);
        seen
    }
}

impl Seen {
    /// Compares the state of a node with all replies that the clients got.
    pub fn check(&mut self, client: &mut Client) {
        self.ledger.check_beside(client, 1);
        for (number, (least, most)) in self.increments.iter().enumerate() {
            let counter = client.text(&format!("JSON.GET {COUNTERS} .c{number}"));
            let counter: u64 = counter.parse().unwrap_or_else(|_| panic!("a counter is {counter}"));
            assert!((*least..=*most).contains(&counter), "{least} to {most} increments count, not {counter}");
        }
    }
}

/// One of the clients.
struct Member {
    number: usize,
    shared: Arc<Shared>,
    dice: Dice,
    open: BTreeMap<String, Client>,
    ledger: Ledger,
}

impl Member {
    fn run(mut self) -> Ledger {
        for number in 1.. {
            if self.shared.stopping.load(Ordering::SeqCst) {
                break;
            }
            match self.dice.below(4) {
                0 => self.write_document(number),
                1 => self.add_to_counter(),
                2 => self.read_document(),
                _ => self.read_counter(),
            }
        }
        self.ledger
    }

    fn progress(&self) -> &Progress {
        &self.shared.clients[self.number]
    }

    fn write_document(&mut self, number: u64) {
        let key = key(self.number, number);
        self.ledger.sent(key.clone());
        match self.ask(&set_request(&key)) {
            Outcome::Answered(Value::Simple(_)) => {
                self.ledger.acknowledged(&key);
                self.progress().document.store(number, Ordering::SeqCst);
                self.progress().writes.fetch_add(1, Ordering::SeqCst);
            }
            Outcome::Answered(other) => panic!("{key}: {other:?}"),
            Outcome::Refused => self.ledger.refused(&key),
            Outcome::Unknown => {}
        }
    }

    fn add_to_counter(&mut self) {
        let path = format!(".c{}", self.number);
        match self.ask(&["JSON.NUMINCRBY", COUNTERS, &path, "1"]) {
            Outcome::Answered(value) => {
                let value = counter_of(&value);
                let before = self.progress().counter.swap(value, Ordering::SeqCst);
                assert!(value > before, "an increment returns more than {before}, not {value}");
                self.progress().increments.fetch_add(1, Ordering::SeqCst);
                self.progress().writes.fetch_add(1, Ordering::SeqCst);
            }
            Outcome::Refused => {}
            Outcome::Unknown => {
                self.progress().uncertain_increments.fetch_add(1, Ordering::SeqCst);
            }
        }
    }

    fn read_document(&mut self) {
        let other = self.anybody();
        let number = self.shared.clients[other].document.load(Ordering::SeqCst);
        if number == 0 {
            return;
        }
        let key = key(other, number);
        if let Outcome::Answered(value) = self.ask(&["JSON.GET", &key]) {
            let found = text_of(&value);
            assert_eq!(found, Some(document(&key)), "{key} was acknowledged before this read began");
            self.shared.reads.fetch_add(1, Ordering::SeqCst);
        }
    }

    fn read_counter(&mut self) {
        let other = self.anybody();
        let before = self.shared.clients[other].counter.load(Ordering::SeqCst);
        if let Outcome::Answered(value) = self.ask(&["JSON.GET", COUNTERS, &format!(".c{other}")]) {
            assert_ne!(value, Value::Null, "the document with the counters was acknowledged before");
            let value = counter_of(&value);
            assert!(value >= before, "counter {other} is read as {value}; {before} was acknowledged before");
            self.shared.reads.fetch_add(1, Ordering::SeqCst);
        }
    }

    fn anybody(&mut self) -> usize {
        self.dice.below(self.shared.clients.len() as u64) as usize
    }

    /// Sends a request to a random node. Errors are counted, and an unexpected one ends the test.
    fn ask<W: AsRef<[u8]>>(&mut self, words: &[W]) -> Outcome {
        let nodes = self.shared.nodes.lock().unwrap().clone();
        let address = nodes[self.dice.below(nodes.len() as u64) as usize].clone();
        let client = match self.open.remove(&address) {
            Some(client) => Ok(client),
            None => Client::try_connect(&address),
        };
        let Ok(mut client) = client else {
            // Avoids a busy loop while a node that is down refuses connections at once.
            std::thread::yield_now();
            return self.failed(UNREACHABLE, Outcome::Refused);
        };
        match client.send(words).and_then(|()| client.receive()) {
            Err(_) => self.failed(LOST, Outcome::Unknown),
            Ok(value) => {
                self.open.insert(address, client);
                let Value::Error(line) = value else { return Outcome::Answered(value) };
                match line.split(' ').next().unwrap_or_default() {
                    code if NOT_DONE.contains(&code) => self.failed(&line, Outcome::Refused),
                    PERHAPS_DONE => self.failed(&line, Outcome::Unknown),
                    _ => panic!("an unexpected error: {line}"),
                }
            }
        }
    }

    fn failed(&self, error: &str, outcome: Outcome) -> Outcome {
        *self.shared.errors.lock().unwrap().entry(error.to_owned()).or_default() += 1;
        outcome
    }
}

fn key(client: usize, number: u64) -> String {
    format!("crowd{client}:{number}")
}

fn counter_of(value: &Value) -> u64 {
    let text = text_of(value).unwrap_or_else(|| panic!("a counter is {value:?}"));
    text.parse().unwrap_or_else(|_| panic!("a counter is {text}"))
}
