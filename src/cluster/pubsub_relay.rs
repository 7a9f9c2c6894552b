//! Sends the messages that clients publish to the other nodes, for the subscribers there.
//!
//! Invariants:
//! * a node receives another node's messages in the order in which they were sent;
//! * publishing never waits for another node: a message that cannot be sent is lost, as Redis loses
//!   a message for a disconnected client;
//! * at most [`WAITING_MAX`] messages, and [`WAITING_BYTES_MAX`] bytes, wait for one node, apart
//!   from the group that is being sent.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::tasks::Tasks;
use crate::peer::{Endpoint, FRAME_BYTES_MAX, PeerClients, PubSubMessage, Request};
use crate::raft::Consensus;

/// Maximum number of messages that wait for one node that is slow or down: some megabytes, if a
/// message has a few hundred bytes.
pub(super) const WAITING_MAX: usize = 10_000;
/// Maximum total size of these messages: twice the default limit on the messages that wait for one
/// subscriber. A frame has room for a single message of this size.
pub(super) const WAITING_BYTES_MAX: usize = 64 << 20;
const _: () =
    assert!(WAITING_BYTES_MAX + (1 << 20) <= FRAME_BYTES_MAX, "a frame holds the message and its header");
/// Waiting messages are sent in groups of about this size.
const SEND_BYTES_TARGET: usize = 1 << 20;
/// How long a node has to accept a group of messages before the group is dropped.
const PATIENCE: Duration = Duration::from_secs(2);

/// Receives the messages that other nodes relay.
pub trait PubSubSink: Send + Sync {
    fn received(&self, message: PubSubMessage);
}

/// Discards the messages, for a node without clients.
impl PubSubSink for () {
    fn received(&self, _message: PubSubMessage) {}
}

/// The queues of messages for other nodes. Each has a task of its own, so that an unreachable node
/// does not delay the others.
pub struct PubSubRelay {
    consensus: Consensus,
    endpoint: Arc<Endpoint>,
    tasks: Arc<Tasks>,
    queues: Mutex<BTreeMap<u64, RelayQueue>>,
}

struct RelayQueue {
    sender: mpsc::Sender<PubSubMessage>,
    bytes: Arc<AtomicUsize>,
}

impl RelayQueue {
    /// Adds a message, or drops it if the queue is full.
    fn add(&self, message: PubSubMessage) {
        let bytes = message.bytes();
        if self.bytes.fetch_add(bytes, Ordering::AcqRel) + bytes > WAITING_BYTES_MAX
            || self.sender.try_send(message).is_err()
        {
            self.bytes.fetch_sub(bytes, Ordering::AcqRel);
        }
    }
}

impl PubSubRelay {
    pub fn new(consensus: Consensus, endpoint: Arc<Endpoint>, tasks: Arc<Tasks>) -> PubSubRelay {
        PubSubRelay { consensus, endpoint, tasks, queues: Mutex::default() }
    }

    /// Sends a published message to all other members, without waiting for any of them.
    pub fn broadcast(&self, message: &PubSubMessage) {
        let mut queues = self.queues.lock();
        // The members are read while the queues are locked. With an older list, a queue could be
        // dropped and created again while it still has messages, and later messages would overtake
        // those.
        let mut others = self.consensus.members();
        others.remove(&self.endpoint.node_id());
        // Dropping a queue ends its task once the task has sent the messages that wait.
        queues.retain(|id, _| others.contains_key(id));
        for &to in others.keys() {
            queues.entry(to).or_insert_with(|| self.begin_queue(to)).add(message.clone());
        }
    }

    fn begin_queue(&self, to: u64) -> RelayQueue {
        let (sender, queued) = mpsc::channel(WAITING_MAX);
        let bytes = Arc::new(AtomicUsize::new(0));
        // Separate connections, because connecting to an unreachable node must not delay
        // connections to others.
        let clients = PeerClients::new(self.endpoint.clone());
        self.tasks.spawn(send(to, self.consensus.clone(), clients, (queued, bytes.clone())));
        RelayQueue { sender, bytes }
    }
}

async fn send(
    to: u64,
    consensus: Consensus,
    clients: PeerClients,
    (mut queued, waiting): (mpsc::Receiver<PubSubMessage>, Arc<AtomicUsize>),
) {
    let mut next = None;
    loop {
        let first = match next.take() {
            Some(first) => first,
            None => match queued.recv().await {
                Some(first) => first,
                None => return,
            },
        };
        let mut bytes = first.bytes();
        let mut messages = vec![first];
        while let Ok(another) = queued.try_recv() {
            if bytes + another.bytes() > SEND_BYTES_TARGET {
                next = Some(another);
                break;
            }
            bytes += another.bytes();
            messages.push(another);
        }
        waiting.fetch_sub(bytes, Ordering::AcqRel);
        let Some(member) = consensus.member(to) else { continue };
        let request = Request::PubSub(messages);
        // The result does not matter: no publisher waits for it.
        let _ = timeout(PATIENCE, clients.call(to, &member, &request)).await;
    }
}
