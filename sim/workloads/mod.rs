//! What clients do. Each workload has keys of its own, chooses their operations and performs them.
//!
//! To add one: a file here with its operations, a variant of [`Operation`] for each, a line in
//! [`all`], and a checker in `checkers/` if no existing one judges them.

mod collections;
mod documents;
mod expiry;
mod node;
pub mod pubsub;
mod strings;
mod transactions;

use futures_util::future::BoxFuture;
use jsonvault::keyspace::{Keyspace, Scope, Value};
use jsonvault::random::Random;

use crate::history::{History, Operation, Outcome};
pub use documents::list;
pub use node::Node;

/// A kind of work.
pub trait Workload {
    fn name(&self) -> &'static str;
    /// Chooses a client's next operation, and its key.
    fn next(&self, random: &mut Random, history: &mut History) -> (usize, Operation);
    /// Whether the workload has this operation.
    fn has(&self, operation: &Operation) -> bool;
    /// Performs one of its operations; `filler` is the size of an unrelated value that is written
    /// with it.
    fn perform(
        &self,
        node: Node,
        key: usize,
        operation: Operation,
        filler: usize,
    ) -> BoxFuture<'static, Outcome>;
    /// The reads of everything that must have been kept.
    fn final_reads(&self) -> Vec<(usize, Operation)>;
}

/// All workloads; a seed chooses among them.
pub fn all() -> Vec<Box<dyn Workload + Sync>> {
    vec![
        Box::new(documents::Documents),
        Box::new(expiry::Expiry),
        Box::new(strings::Strings),
        Box::new(collections::Collections),
        Box::new(transactions::Transactions),
        Box::new(pubsub::PubSub),
    ]
}

/// Performs an operation by the workload that has it.
pub fn perform(node: Node, key: usize, operation: Operation, filler: usize) -> BoxFuture<'static, Outcome> {
    let all = all();
    let workload = all.iter().find(|workload| workload.has(&operation));
    workload.expect("each operation belongs to a workload").perform(node, key, operation, filler)
}

fn name(key: usize) -> String {
    format!("k{key}")
}

/// The number that a string holds, and the time by which its deadline was judged.
fn number(keyspace: &Keyspace, key: usize, now_ms: u64) -> (Option<u64>, u64) {
    let view = keyspace.view(Scope::OneKey, now_ms);
    let number = view.value(name(key).as_bytes()).map(|value| match value {
        Value::Text(digits) => parsed(&digits),
        other => panic!("reading a number returned {other:?}"),
    });
    (number, view.now_ms())
}

fn parsed(digits: &[u8]) -> u64 {
    String::from_utf8_lossy(digits).parse().expect("the value is a number")
}
