//! Messages of clients, to clients of other nodes.
//!
//! Invariants:
//! * a node gets the messages of another in the order in which they were sent;
//! * nobody waits for one that cannot be sent: it is lost, as Redis loses what a client that is away was sent;
//! * at most [`WAITING_MAX`] wait for a node, and [`WAITING_BYTES_MAX`] bytes.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use openraft::async_runtime::watch::WatchReceiver;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::group::Group;
use super::net::{Endpoint, FRAME_BYTES_MAX, Links, Request};
use super::types::Member;

/// How many messages wait for a node that is slow or away. With messages of a few hundred bytes some megabytes.
pub(super) const WAITING_MAX: usize = 10_000;
/// Their bytes: what may wait for one client twice over. One message alone may have as many, and fits into a frame.
pub(super) const WAITING_BYTES_MAX: usize = 64 << 20;
const _: () =
    assert!(WAITING_BYTES_MAX + (1 << 20) <= FRAME_BYTES_MAX, "a message says more than its notice");
/// Messages go together up to about this size.
const TOGETHER_BYTES_TARGET: usize = 1 << 20;
/// How long a node may take to take them in before they are given up.
const PATIENCE: Duration = Duration::from_secs(2);

/// One message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// Whether it is for channels of Redis Cluster.
    pub shard: bool,
    pub channel: Bytes,
    pub message: Bytes,
}

impl Notice {
    fn bytes(&self) -> usize {
        self.channel.len() + self.message.len()
    }
}

/// Who takes in what other nodes send.
pub trait Inbox: Send + Sync {
    fn received(&self, notice: Notice);
}

/// A node without clients.
impl Inbox for () {
    fn received(&self, _notice: Notice) {}
}

/// The ways to other nodes, each with a task of its own, so that one that is away holds up no other.
#[derive(Default)]
pub struct Notices {
    queues: Mutex<BTreeMap<u64, Queue>>,
}

struct Queue {
    sender: mpsc::Sender<Notice>,
    bytes: Arc<AtomicUsize>,
}

impl Queue {
    /// Adds a message, or loses it if there is no room.
    fn add(&self, notice: Notice) {
        let bytes = notice.bytes();
        if self.bytes.fetch_add(bytes, Ordering::AcqRel) + bytes > WAITING_BYTES_MAX
            || self.sender.try_send(notice).is_err()
        {
            self.bytes.fetch_sub(bytes, Ordering::AcqRel);
        }
    }
}

impl Group {
    /// Sends a message to all other members, without waiting for any.
    pub fn spread(&self, notice: &Notice) {
        let mut queues = self.notices().queues.lock();
        // Who is a member is read with the queues locked: with an older list a queue could be given up and begun anew
        // while it has messages, and those behind would overtake them.
        let others = self.others();
        // The tasks of the others end with their queues.
        queues.retain(|id, _| others.contains(id));
        for to in others {
            queues.entry(to).or_insert_with(|| self.begin_queue(to)).add(notice.clone());
        }
    }

    fn begin_queue(&self, to: u64) -> Queue {
        let (sender, queued) = mpsc::channel(WAITING_MAX);
        let bytes = Arc::new(AtomicUsize::new(0));
        self.spawn(send(to, self.clone(), self.endpoint().clone(), (queued, bytes.clone())));
        Queue { sender, bytes }
    }

    fn others(&self) -> Vec<u64> {
        let metrics = self.raft().metrics();
        let metrics = metrics.borrow_watched();
        let members = metrics.membership_config.membership();
        members.nodes().map(|(&id, _)| id).filter(|&id| id != metrics.id).collect()
    }

    fn member(&self, id: u64) -> Option<Member> {
        let metrics = self.raft().metrics();
        let metrics = metrics.borrow_watched();
        metrics.membership_config.membership().get_node(&id).cloned()
    }
}

async fn send(
    to: u64,
    group: Group,
    endpoint: Arc<Endpoint>,
    (mut queued, waiting): (mpsc::Receiver<Notice>, Arc<AtomicUsize>),
) {
    // Of its own: to connect to a node that is away must not hold up who connects to another.
    let links = Links::new(endpoint);
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
        let mut notices = vec![first];
        while let Ok(another) = queued.try_recv() {
            if bytes + another.bytes() > TOGETHER_BYTES_TARGET {
                next = Some(another);
                break;
            }
            bytes += another.bytes();
            notices.push(another);
        }
        waiting.fetch_sub(bytes, Ordering::AcqRel);
        let Some(member) = group.member(to) else { continue };
        let request = Request::Notices(notices);
        // Whether it came or not, nobody waits for it.
        let _ = timeout(PATIENCE, links.call(to, &member, &request)).await;
    }
}
