//! Strings as registers: set to a number, removed, read.

use futures_util::future::BoxFuture;
use jsonvault::command::ReadConsistency;
use jsonvault::random::Random;
use jsonvault::resp::Reply;

use super::{Node, Workload, name, number};
use crate::history::{History, Operation, Outcome};

const FIRST_KEY: usize = 20;
const KEYS: u64 = 3;

pub struct Strings;

impl Workload for Strings {
    fn name(&self) -> &'static str {
        "strings"
    }

    fn next(&self, random: &mut Random, history: &mut History) -> (usize, Operation) {
        let operation = match random.below(8) {
            0..3 => Operation::Put(history.number()),
            3 => Operation::Remove,
            _ => Operation::Get,
        };
        (FIRST_KEY + random.below(KEYS) as usize, operation)
    }

    fn has(&self, operation: &Operation) -> bool {
        matches!(operation, Operation::Put(_) | Operation::Remove | Operation::Get)
    }

    fn perform(&self, node: Node, key: usize, operation: Operation, _: usize) -> BoxFuture<'static, Outcome> {
        Box::pin(async move { run(&node, key, operation).await.unwrap_or_else(|outcome| outcome) })
    }

    fn final_reads(&self) -> Vec<(usize, Operation)> {
        (0..KEYS as usize).map(|key| (FIRST_KEY + key, Operation::Get)).collect()
    }
}

async fn run(node: &Node, key: usize, operation: Operation) -> Result<Outcome, Outcome> {
    let name = name(key);
    match operation {
        Operation::Put(number) => {
            node.write(&[&["SET", &name, &number.to_string()]]).await?;
            Ok(Outcome::Done)
        }
        Operation::Remove => match node.write(&[&["DEL", &name]]).await?[..] {
            [Reply::Integer(removed)] => Ok(Outcome::Number(removed as u64)),
            ref other => panic!("a removal returned {other:?}"),
        },
        Operation::Get => {
            let now_ms = node.barrier(ReadConsistency::Linearizable).await?;
            Ok(Outcome::Value(number(&node.keyspace, key, now_ms).0))
        }
        other => panic!("{other:?} is of another workload"),
    }
}
