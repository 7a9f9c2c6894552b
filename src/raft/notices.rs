//! Messages of clients, to clients of other nodes.
//!
//! Invariants:
//! * a node gets the messages of another in the order in which they were sent;
//! * nobody waits for one that cannot be sent: it is lost, as Redis loses what a client that is away was sent;
//! * at most [`WAITING_MAX`] wait for a node.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use openraft::async_runtime::watch::WatchReceiver;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::group::Group;
use super::net::{Endpoint, Links, Request};
use super::types::Member;

/// How many messages wait for a node that is slow or away. With messages of a few hundred bytes some megabytes.
const WAITING_MAX: usize = 10_000;
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
    queues: Mutex<BTreeMap<u64, mpsc::Sender<Notice>>>,
}

impl Notices {
    fn queue(&self, to: u64, group: &Group) -> mpsc::Sender<Notice> {
        let mut queues = self.queues.lock();
        let queue = queues.entry(to).or_insert_with(|| {
            let (queue, queued) = mpsc::channel(WAITING_MAX);
            group.spawn(send(to, group.clone(), group.endpoint().clone(), queued));
            queue
        });
        queue.clone()
    }
}

impl Group {
    /// Sends a message to all other members, without waiting for any.
    pub fn spread(&self, notice: &Notice) {
        for to in self.others() {
            // One that does not fit any more is lost.
            let _ = self.notices().queue(to, self).try_send(notice.clone());
        }
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

async fn send(to: u64, group: Group, endpoint: Arc<Endpoint>, mut queued: mpsc::Receiver<Notice>) {
    // Of its own: to connect to a node that is away must not hold up who connects to another.
    let links = Links::new(endpoint);
    while let Some(first) = queued.recv().await {
        let size = |notice: &Notice| notice.channel.len() + notice.message.len();
        let mut bytes = size(&first);
        let mut notices = vec![first];
        while bytes < TOGETHER_BYTES_TARGET
            && let Ok(next) = queued.try_recv()
        {
            bytes += size(&next);
            notices.push(next);
        }
        let Some(member) = group.member(to) else { continue };
        let request = Request::Notices(notices);
        // Whether it came or not, nobody waits for it.
        let _ = timeout(PATIENCE, links.call(to, &member, &request)).await;
    }
}
