//! Clients: each performs one operation at a time, on a random node, and records it in the history.

use std::sync::Arc;

use bytes::Bytes;
use jsonvault::cluster::Group;
use jsonvault::command::{Context, ReadConsistency, Route, SeedSource, table};
use jsonvault::error::Unavailable;
use jsonvault::keyspace::{Keyspace, Scope, Value};
use jsonvault::machine::{Batch, Transaction};
use jsonvault::resp::{Protocol, Reply};
use parking_lot::Mutex;

use crate::history::{History, Operation, Outcome};
use crate::host::Host;
use jsonvault::random::Random;

/// Number of keys with lists; small, so that writes conflict.
pub const KEYS: usize = 4;
/// Number of additional keys, whose values expire.
pub const EXPIRING_KEYS: usize = 2;
/// Maximum lifetime of a value that expires.
const STAYS_MS_MAX: u64 = 1_500;
/// How long a client waits for a reply. It sometimes gives up before the node does.
const PATIENCE_MS: u64 = 4_000;
/// Maximum size of the filler that is written together with an append, so that segments fill and
/// logs grow.
const FILLER_BYTES_MAX: u64 = 3_000;

type Answer = Arc<Mutex<Option<Outcome>>>;

struct Pending {
    event: usize,
    host: usize,
    boot: u64,
    answer: Answer,
    give_up_ms: u64,
}

pub struct Client {
    id: usize,
    random: Random,
    pending: Option<Pending>,
    next_ms: u64,
    pause_ms: u64,
}

impl Client {
    pub fn new(id: usize, mut random: Random) -> Client {
        let pause_ms = [2, 10, 60][random.below(3) as usize];
        Client { id, random, pending: None, next_ms: 0, pause_ms }
    }

    /// Takes the reply if it has arrived, and invokes the next operation if it is due. Adds lines
    /// to the trace.
    pub fn step(&mut self, now_ms: u64, hosts: &[Host], history: &mut History, trace: &mut Vec<String>) {
        if let Some(pending) = &self.pending {
            let Some(outcome) = outcome(pending, now_ms, hosts) else { return };
            let shown = match &outcome {
                Outcome::List(list) => format!("{} numbers", list.len()),
                other => format!("{other:?}"),
            };
            trace.push(format!("c{} {:?}: {shown}", self.id, history.events[pending.event].operation));
            history.complete(pending.event, outcome);
            self.pending = None;
            self.next_ms = now_ms + self.random.below(self.pause_ms);
        }
        if now_ms >= self.next_ms {
            let host = self.random.below(hosts.len() as u64) as usize;
            let key = self.random.below(KEYS as u64) as usize;
            let expiring = KEYS + self.random.below(EXPIRING_KEYS as u64) as usize;
            let (key, operation) = match self.random.below(14) {
                0..5 => (key, Operation::Append(history.number())),
                5 => (key, Operation::Read),
                6 => (key, Operation::ReadLeased),
                7 => (key, Operation::ReadLocal),
                8 => (expiring, Operation::SetFor(history.number(), 1 + self.random.below(STAYS_MS_MAX))),
                9..12 => (expiring, Operation::ReadSet),
                _ => (expiring, Operation::ReadSetLeased),
            };
            self.ask(now_ms, &hosts[host], key, operation, history, trace);
        }
    }

    fn ask(
        &mut self,
        now_ms: u64,
        host: &Host,
        key: usize,
        operation: Operation,
        history: &mut History,
        trace: &mut Vec<String>,
    ) {
        let Some((group, keyspace)) = host.group() else {
            // The node is down, so the client tries another one soon.
            self.next_ms = now_ms + 1 + self.random.below(20);
            return;
        };
        let filler = if self.random.one_in(3) { self.random.below(FILLER_BYTES_MAX) as usize } else { 0 };
        trace.push(format!("c{} sends n{} {operation:?} k{key} filler {filler}", self.id, host.id()));
        let event = history.invoke(self.id, host.index, key, operation);
        let answer = perform(host, group, keyspace, key, operation, filler);
        let give_up_ms = now_ms + PATIENCE_MS + self.random.below(PATIENCE_MS);
        self.pending = Some(Pending { event, host: host.index, boot: host.boots, answer, give_up_ms });
    }
}

fn outcome(pending: &Pending, now_ms: u64, hosts: &[Host]) -> Option<Outcome> {
    if let Some(outcome) = pending.answer.lock().take() {
        return Some(outcome);
    }
    let host = &hosts[pending.host];
    if !host.is_running() || host.boots != pending.boot {
        return Some(Outcome::Unknown("the node crashed".to_string()));
    }
    (now_ms >= pending.give_up_ms).then(|| Outcome::Unknown("no answer in time".to_string()))
}

/// Begins an operation on a node. Returns the slot into which the outcome will be put.
pub fn perform(
    host: &Host,
    group: Group,
    keyspace: Arc<Keyspace>,
    key: usize,
    operation: Operation,
    filler: usize,
) -> Answer {
    let answer = Answer::default();
    let slot = answer.clone();
    host.spawn(async move {
        let outcome = match operation {
            Operation::Append(number) => append(&group, key, number, filler).await,
            Operation::Read => read(&group, &keyspace, key, ReadConsistency::Linearizable).await,
            Operation::ReadLeased => read(&group, &keyspace, key, ReadConsistency::Lease).await,
            Operation::ReadLocal => read(&group, &keyspace, key, ReadConsistency::Local).await,
            Operation::SetFor(number, for_ms) => set_for(&group, key, number, for_ms).await,
            Operation::ReadSet => read_set(&group, &keyspace, key, ReadConsistency::Linearizable).await,
            Operation::ReadSetLeased => read_set(&group, &keyspace, key, ReadConsistency::Lease).await,
        };
        *slot.lock() = Some(outcome);
    });
    answer
}

fn context() -> Context {
    Context { protocol: Protocol::Resp2, now_ms: 0, document_bytes_max: 1 << 20, seed: SeedSource::Fixed(0) }
}

fn push(batch: &mut Batch, words: &[&str]) {
    let row = table::find(words[0].as_bytes()).expect("a command of the table");
    let args: Vec<Bytes> = words[1..].iter().map(|word| Bytes::copy_from_slice(word.as_bytes())).collect();
    batch.push(row, &args, &context()).expect("a valid request");
}

async fn append(group: &Group, key: usize, number: u64, filler: usize) -> Outcome {
    let name = format!("k{key}");
    let mut batch = Batch::new();
    push(&mut batch, &["JSON.SET", &name, "$", "[]", "NX"]);
    push(&mut batch, &["JSON.ARRAPPEND", &name, ".", &number.to_string()]);
    if filler > 0 {
        push(&mut batch, &["SET", &format!("filler{key}"), &"f".repeat(filler)]);
    }
    match group.propose(batch).await {
        Ok(done) => match &done.replies[1] {
            Reply::Integer(length) => Outcome::Appended(*length as usize),
            other => panic!("an append to a list returned {other:?}"),
        },
        Err(Unavailable::Uncertain) => Outcome::Unknown("uncertain".to_string()),
        Err(refused) => Outcome::Refused(refused.to_string()),
    }
}

/// Sets a number with a lifetime, and reads its deadline, in one transaction.
async fn set_for(group: &Group, key: usize, number: u64, for_ms: u64) -> Outcome {
    let (name, number, for_ms) = (format!("k{key}"), number.to_string(), for_ms.to_string());
    let mut transaction = Transaction::new(Vec::new(), Protocol::Resp2);
    for words in [&["SET", &name, &number, "PX", &for_ms][..], &["PEXPIRETIME", &name]] {
        let row = table::find(words[0].as_bytes()).expect("a command of the table");
        let words: Vec<Bytes> = words.iter().map(|word| Bytes::copy_from_slice(word.as_bytes())).collect();
        transaction.push(row, &words, &context()).expect("a valid request");
    }
    let mut batch = Batch::new();
    batch.push_transaction(&transaction).expect("a valid request");
    match group.propose(batch).await {
        Ok(done) => match &done.replies[0] {
            Reply::Array(both) => match both[..] {
                [Reply::Simple(_), Reply::Integer(deadline)] => Outcome::Set(deadline as u64),
                _ => panic!("a transaction that sets a number with a deadline returned {both:?}"),
            },
            other => panic!("a transaction returned {other:?}"),
        },
        Err(Unavailable::Uncertain) => Outcome::Unknown("uncertain".to_string()),
        Err(refused) => Outcome::Refused(refused.to_string()),
    }
}

async fn read_set(group: &Group, keyspace: &Keyspace, key: usize, consistency: ReadConsistency) -> Outcome {
    match group.read_barrier(consistency).await {
        Ok(now_ms) => {
            let view = keyspace.view(Scope::OneKey, now_ms);
            let number = view.value(format!("k{key}").as_bytes()).map(|value| match value {
                Value::Text(digits) => {
                    String::from_utf8_lossy(&digits).parse().expect("the value is a number")
                }
                other => panic!("reading a number returned {other:?}"),
            });
            Outcome::Found(number, view.now_ms())
        }
        Err(refused) => Outcome::Refused(refused.to_string()),
    }
}

async fn read(group: &Group, keyspace: &Keyspace, key: usize, consistency: ReadConsistency) -> Outcome {
    match group.read_barrier(consistency).await {
        Ok(_) => Outcome::List(list(keyspace, key)),
        Err(refused) => Outcome::Refused(refused.to_string()),
    }
}

/// Reads the list under a key, with the command that clients use.
pub fn list(keyspace: &Keyspace, key: usize) -> Vec<u64> {
    let row = table::find(b"JSON.GET").expect("a command of the table");
    let Route::Read { run } = row.route else { panic!("JSON.GET reads") };
    let args = [Bytes::from(format!("k{key}")), Bytes::from_static(b".")];
    match run(&args, &context(), keyspace.each()) {
        Ok(Reply::Null) => Vec::new(),
        Ok(Reply::Bulk(text)) => serde_json::from_slice(&text).expect("a list of numbers"),
        other => panic!("reading a list returned {other:?}"),
    }
}
