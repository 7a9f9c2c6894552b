//! Strings with deadlines.

use bytes::Bytes;
use futures_util::future::BoxFuture;
use jsonvault::command::{ReadConsistency, table};
use jsonvault::machine::{Batch, Transaction};
use jsonvault::random::Random;
use jsonvault::resp::{Protocol, Reply};

use super::{Node, Workload, name, node, number};
use crate::history::{History, Operation, Outcome};
use crate::mistakes::Mistake;

const FIRST_KEY: usize = 10;
const KEYS: u64 = 2;
/// The longest lifetime of a value.
const STAYS_MS_MAX: u64 = 1_500;

pub struct Expiry;

impl Workload for Expiry {
    fn name(&self) -> &'static str {
        "expiry"
    }

    fn next(&self, random: &mut Random, history: &mut History) -> (usize, Operation) {
        let operation = match random.below(6) {
            0 => Operation::SetFor(history.number(), 1 + random.below(STAYS_MS_MAX)),
            1..4 => Operation::ReadSet,
            _ => Operation::ReadSetLeased,
        };
        (FIRST_KEY + random.below(KEYS) as usize, operation)
    }

    fn has(&self, operation: &Operation) -> bool {
        matches!(operation, Operation::SetFor(..) | Operation::ReadSet | Operation::ReadSetLeased)
    }

    fn perform(&self, node: Node, key: usize, operation: Operation, _: usize) -> BoxFuture<'static, Outcome> {
        Box::pin(async move {
            let done = match operation {
                Operation::SetFor(number, for_ms) => set_for(&node, key, number, for_ms).await,
                Operation::ReadSet => read(&node, key, ReadConsistency::Linearizable).await,
                Operation::ReadSetLeased => read(&node, key, ReadConsistency::Lease).await,
                other => panic!("{other:?} is of another workload"),
            };
            done.unwrap_or_else(|outcome| outcome)
        })
    }

    fn final_reads(&self) -> Vec<(usize, Operation)> {
        (0..KEYS as usize).map(|key| (FIRST_KEY + key, Operation::ReadSet)).collect()
    }
}

/// Sets a number and reads its deadline, in one transaction.
async fn set_for(node: &Node, key: usize, number: u64, for_ms: u64) -> Result<Outcome, Outcome> {
    let (name, number, for_ms) = (name(key), number.to_string(), for_ms.to_string());
    let commands: [&[&str]; 2] = [&["SET", &name, &number, "PX", &for_ms], &["PEXPIRETIME", &name]];
    let replies = node.propose(|| transaction(Vec::new(), &commands)).await?;
    match &replies[0] {
        Reply::Array(both) => match both[..] {
            [Reply::Simple(_), Reply::Integer(deadline)] => Ok(Outcome::Set(deadline as u64)),
            _ => panic!("a transaction that sets a number with a deadline returned {both:?}"),
        },
        other => panic!("a transaction returned {other:?}"),
    }
}

/// A batch with these commands as one transaction.
pub fn transaction(watched: Vec<(jsonvault::keyspace::Key, Option<u64>)>, commands: &[&[&str]]) -> Batch {
    let mut transaction = Transaction::new(watched, Protocol::Resp2);
    for words in commands {
        let row = table::find(words[0].as_bytes()).expect("a command of the table");
        let words: Vec<Bytes> = node::args(words);
        transaction.push(row, &words, &node::context()).expect("a valid request");
    }
    let mut batch = Batch::new();
    batch.push_transaction(&transaction).expect("a valid request");
    batch
}

async fn read(node: &Node, key: usize, consistency: ReadConsistency) -> Result<Outcome, Outcome> {
    let now_ms = node.barrier(consistency).await?;
    if node.mistake == Some(Mistake::ExpiryByOwnClock) {
        return Ok(Outcome::Found(number(&node.keyspace, key, node.wall_ms).0, now_ms));
    }
    let (found, judged_ms) = number(&node.keyspace, key, now_ms);
    Ok(Outcome::Found(found, judged_ms))
}
