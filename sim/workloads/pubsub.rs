//! Messages between clients of different nodes.

use futures_util::future::BoxFuture;
use jsonvault::cluster::PubSubSink;
use jsonvault::peer::PubSubMessage;
use jsonvault::random::Random;
use parking_lot::Mutex;

use super::{Node, Workload, parsed};
use crate::history::{History, Operation, Outcome};

const CHANNEL: usize = 50;

pub struct PubSub;

impl Workload for PubSub {
    fn name(&self) -> &'static str {
        "pubsub"
    }

    fn next(&self, _: &mut Random, history: &mut History) -> (usize, Operation) {
        (CHANNEL, Operation::Publish(history.number()))
    }

    fn has(&self, operation: &Operation) -> bool {
        matches!(operation, Operation::Publish(_))
    }

    fn perform(&self, node: Node, _: usize, operation: Operation, _: usize) -> BoxFuture<'static, Outcome> {
        let Operation::Publish(number) = operation else { panic!("{operation:?} is of another workload") };
        Box::pin(async move {
            node.publish(&number.to_string());
            Outcome::Done
        })
    }

    fn final_reads(&self) -> Vec<(usize, Operation)> {
        Vec::new()
    }
}

/// The subscriber of a node: keeps what arrives until the simulation takes it.
#[derive(Default)]
pub struct Received(Mutex<Vec<u64>>);

impl Received {
    pub fn take(&self) -> Vec<u64> {
        std::mem::take(&mut self.0.lock())
    }
}

impl PubSubSink for Received {
    fn received(&self, message: PubSubMessage) {
        self.0.lock().push(parsed(&message.message));
    }
}
