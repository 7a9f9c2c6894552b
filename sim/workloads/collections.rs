//! Collections: a list as a queue, a set, and a field of a hash as a counter.

use futures_util::future::BoxFuture;
use jsonvault::random::Random;
use jsonvault::resp::Reply;

use super::{Node, Workload, name, parsed};
use crate::history::{History, Operation, Outcome};

const QUEUE: usize = 30;
const SET: usize = 31;
const COUNTER: usize = 32;
/// Members of the set: few, so that they are removed again.
const MEMBERS: u64 = 5;

pub struct Collections;

impl Workload for Collections {
    fn name(&self) -> &'static str {
        "collections"
    }

    fn next(&self, random: &mut Random, history: &mut History) -> (usize, Operation) {
        match random.below(12) {
            0..3 => (QUEUE, Operation::Push(history.number())),
            3..5 => (QUEUE, Operation::Shift),
            5 => (QUEUE, Operation::Elements),
            6 => (SET, Operation::Include(random.below(MEMBERS))),
            7 => (SET, Operation::Exclude(random.below(MEMBERS))),
            8 => (SET, Operation::Members),
            9..11 => (COUNTER, Operation::Increment),
            _ => (COUNTER, Operation::Count),
        }
    }

    fn has(&self, operation: &Operation) -> bool {
        use Operation::{Count, Elements, Exclude, Include, Increment, Members, Push, Shift};
        matches!(
            operation,
            Push(_) | Shift | Elements | Include(_) | Exclude(_) | Members | Increment | Count
        )
    }

    fn perform(&self, node: Node, key: usize, operation: Operation, _: usize) -> BoxFuture<'static, Outcome> {
        Box::pin(async move { run(&node, key, operation).await.unwrap_or_else(|outcome| outcome) })
    }

    fn final_reads(&self) -> Vec<(usize, Operation)> {
        vec![(QUEUE, Operation::Elements), (SET, Operation::Members), (COUNTER, Operation::Count)]
    }
}

async fn run(node: &Node, key: usize, operation: Operation) -> Result<Outcome, Outcome> {
    let key = name(key);
    let write = async |words: &[&str]| Ok(node.write(&[words]).await?.remove(0));
    Ok(match operation {
        Operation::Push(number) => match write(&["RPUSH", &key, &number.to_string()]).await? {
            Reply::Integer(length) => Outcome::Appended(length as usize),
            other => panic!("a push returned {other:?}"),
        },
        Operation::Shift => Outcome::Value(found(write(&["LPOP", &key]).await?)),
        Operation::Elements => Outcome::List(all(node.read(&["LRANGE", &key, "0", "-1"]).await?)),
        Operation::Include(number) => counted(write(&["SADD", &key, &number.to_string()]).await?),
        Operation::Exclude(number) => counted(write(&["SREM", &key, &number.to_string()]).await?),
        Operation::Members => {
            let mut members = all(node.read(&["SMEMBERS", &key]).await?);
            members.sort_unstable();
            Outcome::List(members)
        }
        Operation::Increment => counted(write(&["HINCRBY", &key, "count", "1"]).await?),
        Operation::Count => {
            Outcome::Number(found(node.read(&["HGET", &key, "count"]).await?).unwrap_or_default())
        }
        other => panic!("{other:?} is of another workload"),
    })
}

fn counted(reply: Reply) -> Outcome {
    match reply {
        Reply::Integer(number) => Outcome::Number(number as u64),
        other => panic!("a change of a collection returned {other:?}"),
    }
}

fn found(reply: Reply) -> Option<u64> {
    match reply {
        Reply::Null => None,
        Reply::Bulk(digits) => Some(parsed(&digits)),
        other => panic!("reading a number returned {other:?}"),
    }
}

fn all(reply: Reply) -> Vec<u64> {
    match reply {
        Reply::Array(items) | Reply::Set(items) => items.into_iter().filter_map(found).collect(),
        other => panic!("reading a collection returned {other:?}"),
    }
}
