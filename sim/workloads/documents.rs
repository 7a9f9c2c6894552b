//! Documents that are arrays: numbers are appended, and the whole array is read.

use bytes::Bytes;
use futures_util::future::BoxFuture;
use jsonvault::command::{ReadConsistency, Route, table};
use jsonvault::keyspace::Keyspace;
use jsonvault::random::Random;
use jsonvault::resp::Reply;

use super::{Node, Workload, name, node};
use crate::history::{History, Operation, Outcome};

/// Few, so that writes conflict.
const KEYS: usize = 4;

pub struct Documents;

impl Workload for Documents {
    fn name(&self) -> &'static str {
        "documents"
    }

    fn next(&self, random: &mut Random, history: &mut History) -> (usize, Operation) {
        let operation = match random.below(8) {
            0..5 => Operation::Append(history.number()),
            5 => Operation::Read,
            6 => Operation::ReadLeased,
            _ => Operation::ReadLocal,
        };
        (random.below(KEYS as u64) as usize, operation)
    }

    fn has(&self, operation: &Operation) -> bool {
        use Operation::{Append, Read, ReadLeased, ReadLocal};
        matches!(operation, Append(_) | Read | ReadLeased | ReadLocal)
    }

    fn perform(
        &self,
        node: Node,
        key: usize,
        operation: Operation,
        filler: usize,
    ) -> BoxFuture<'static, Outcome> {
        Box::pin(async move {
            let done = match operation {
                Operation::Append(number) => append(&node, key, number, filler).await,
                Operation::Read => read(&node, key, ReadConsistency::Linearizable).await,
                Operation::ReadLeased => read(&node, key, ReadConsistency::Lease).await,
                Operation::ReadLocal => read(&node, key, ReadConsistency::Local).await,
                other => panic!("{other:?} is of another workload"),
            };
            done.unwrap_or_else(|outcome| outcome)
        })
    }

    fn final_reads(&self) -> Vec<(usize, Operation)> {
        (0..KEYS).map(|key| (key, Operation::Read)).collect()
    }
}

async fn append(node: &Node, key: usize, number: u64, filler: usize) -> Result<Outcome, Outcome> {
    let (name, number, fill) = (name(key), number.to_string(), format!("filler{key}"));
    let filler_value = "f".repeat(filler);
    let commands: [&[&str]; 3] = [
        &["JSON.SET", &name, "$", "[]", "NX"],
        &["JSON.ARRAPPEND", &name, ".", &number],
        &["SET", &fill, &filler_value],
    ];
    let replies = node.write(&commands[..if filler > 0 { 3 } else { 2 }]).await?;
    match &replies[1] {
        Reply::Integer(length) => Ok(Outcome::Appended(*length as usize)),
        other => panic!("an append to a list returned {other:?}"),
    }
}

async fn read(node: &Node, key: usize, consistency: ReadConsistency) -> Result<Outcome, Outcome> {
    node.barrier(consistency).await?;
    Ok(Outcome::List(list(&node.keyspace, key)))
}

/// The array under a key, read by the command that clients use.
pub fn list(keyspace: &Keyspace, key: usize) -> Vec<u64> {
    let row = table::find(b"JSON.GET").expect("a command of the table");
    let Route::Read { run } = row.route else { panic!("JSON.GET reads") };
    let args = [Bytes::from(name(key)), Bytes::from_static(b".")];
    match run(&args, &node::context(), keyspace.each()) {
        Ok(Reply::Null) => Vec::new(),
        Ok(Reply::Bulk(text)) => serde_json::from_slice(&text).expect("a list of numbers"),
        other => panic!("reading a list returned {other:?}"),
    }
}
