//! Transactions on arrays: several reads and appends at once, with and without WATCH.

use futures_util::future::BoxFuture;
use jsonvault::command::ReadConsistency;
use jsonvault::keyspace::{Key, Scope};
use jsonvault::random::Random;
use jsonvault::resp::Reply;

use super::expiry::transaction;
use super::{Node, Workload, list, name};
use crate::history::{History, Operation, Outcome, Step};

/// The key of all events of this workload; each step names the key of its array.
const EVENTS: usize = 40;
const FIRST_KEY: usize = 41;
const KEYS: u64 = 3;
const STEPS_MAX: u64 = 4;

pub struct Transactions;

impl Workload for Transactions {
    fn name(&self) -> &'static str {
        "transactions"
    }

    fn next(&self, random: &mut Random, history: &mut History) -> (usize, Operation) {
        let steps = (0..1 + random.below(STEPS_MAX)).map(|_| Step {
            key: FIRST_KEY + random.below(KEYS) as usize,
            append: random.one_in(2).then(|| history.number()),
        });
        let steps: Vec<Step> = steps.collect();
        let operation = if random.one_in(3) { watched(steps) } else { Operation::Transact(steps) };
        (EVENTS, operation)
    }

    fn has(&self, operation: &Operation) -> bool {
        matches!(operation, Operation::Transact(_) | Operation::Watched(_))
    }

    fn perform(&self, node: Node, _: usize, operation: Operation, _: usize) -> BoxFuture<'static, Outcome> {
        Box::pin(async move {
            let done = match operation {
                Operation::Transact(steps) => transact(&node, &steps).await,
                Operation::Watched(steps) => read_then_append(&node, &steps).await,
                other => panic!("{other:?} is of another workload"),
            };
            done.unwrap_or_else(|outcome| outcome)
        })
    }

    fn final_reads(&self) -> Vec<(usize, Operation)> {
        let keys = FIRST_KEY..FIRST_KEY + KEYS as usize;
        let steps = keys.map(|key| Step { key, append: None }).collect();
        vec![(EVENTS, Operation::Transact(steps))]
    }
}

/// Puts the reads first: a client that watches reads before MULTI, and appends after it.
fn watched(mut steps: Vec<Step>) -> Operation {
    steps.sort_by_key(|step| step.append.is_some());
    Operation::Watched(steps)
}

async fn transact(node: &Node, steps: &[Step]) -> Result<Outcome, Outcome> {
    let replies = node.propose(|| batch(Vec::new(), steps.iter())).await?;
    let Some(Reply::Array(replies)) = replies.into_iter().next() else { panic!("EXEC returns an array") };
    // An append begins with the command that creates the array.
    let mut replies = replies.into_iter();
    let mut lists = Vec::new();
    for step in steps {
        let reply = replies.next().expect("a reply to each command");
        match (step.append, reply) {
            (Some(_), _) => {
                assert!(matches!(replies.next(), Some(Reply::Integer(_))), "an append returns the length");
                lists.push(Vec::new());
            }
            (None, Reply::Null) => lists.push(Vec::new()),
            (None, Reply::Bulk(text)) => {
                lists.push(serde_json::from_slice(&text).expect("a list of numbers"))
            }
            (None, other) => panic!("reading an array returned {other:?}"),
        }
    }
    Ok(Outcome::Transacted(Some(lists)))
}

/// WATCH, the reads, MULTI, the appends, EXEC.
async fn read_then_append(node: &Node, steps: &[Step]) -> Result<Outcome, Outcome> {
    let now_ms = node.barrier(ReadConsistency::Linearizable).await?;
    let version = |key: usize| node.keyspace.view(Scope::OneKey, now_ms).version(name(key).as_bytes());
    let watched: Vec<(Key, Option<u64>)> =
        steps.iter().map(|step| (Key::from(name(step.key).as_bytes()), version(step.key))).collect();
    let lists = steps.iter().map(|step| match step.append {
        Some(_) => Vec::new(),
        None => list(&node.keyspace, step.key),
    });
    let lists: Vec<Vec<u64>> = lists.collect();
    let appends = || steps.iter().filter(|step| step.append.is_some());
    let replies = node.propose(|| batch(watched.clone(), appends())).await?;
    match &replies[0] {
        Reply::NullArray => Ok(Outcome::Transacted(None)),
        Reply::Array(_) => Ok(Outcome::Transacted(Some(lists))),
        other => panic!("EXEC returned {other:?}"),
    }
}

fn batch<'a>(
    watched: Vec<(Key, Option<u64>)>,
    steps: impl Iterator<Item = &'a Step>,
) -> jsonvault::machine::Batch {
    let mut commands: Vec<Vec<String>> = Vec::new();
    let mut add = |words: &[&str]| commands.push(words.iter().map(|word| word.to_string()).collect());
    for step in steps {
        let key = name(step.key);
        match step.append {
            None => add(&["JSON.GET", &key, "."]),
            Some(number) => {
                add(&["JSON.SET", &key, "$", "[]", "NX"]);
                add(&["JSON.ARRAPPEND", &key, ".", &number.to_string()]);
            }
        }
    }
    let words: Vec<Vec<&str>> =
        commands.iter().map(|words| words.iter().map(String::as_str).collect()).collect();
    let words: Vec<&[&str]> = words.iter().map(Vec::as_slice).collect();
    transaction(watched, &words)
}
