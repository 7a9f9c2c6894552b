//! Finds the index that must be applied before a read (§6.4 of Ongaro's thesis), with one request
//! to the leader for all waiting reads.
//!
//! A linearizable read must first learn the newest committed index. This takes a round of messages,
//! so concurrent read-index requests are coalesced.
//!
//! Invariants:
//! * a response completes only the reads that were waiting before its request was sent; later reads
//!   wait for the next request;
//! * the time returned with an index is read before a majority confirms the leadership: a later
//!   leader knows a time that is no earlier, because one of the confirming members elects it.

use std::future::Future;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::{Notify, oneshot};
use tokio::time::{Instant, timeout_at};

use super::leader::{LEADER_PATIENCE, Leader, LeaderFinder};
use crate::command::ReadConsistency;
use crate::error::Unavailable;
use crate::peer::{ForwardError, ReadPoint, Request, Response};

/// Coalesces concurrent requests of one kind. Clones join the same batches.
pub struct ReadIndexBatcher<T> {
    inner: Arc<BatcherInner<T>>,
}

struct BatcherInner<T> {
    waiting: Mutex<Vec<oneshot::Sender<T>>>,
    wake: Notify,
}

impl<T> Clone for ReadIndexBatcher<T> {
    fn clone(&self) -> Self {
        ReadIndexBatcher { inner: self.inner.clone() }
    }
}

impl<T: Clone + Send + 'static> ReadIndexBatcher<T> {
    pub fn new() -> ReadIndexBatcher<T> {
        ReadIndexBatcher { inner: Arc::new(BatcherInner { waiting: Mutex::default(), wake: Notify::new() }) }
    }

    /// Sends a request whenever a caller waits, for as long as it is polled.
    pub async fn run<A>(self, ask: impl Fn() -> A)
    where
        A: Future<Output = T>,
    {
        loop {
            self.inner.wake.notified().await;
            let waiting = std::mem::take(&mut *self.inner.waiting.lock());
            if waiting.is_empty() {
                continue;
            }
            let answer = ask().await;
            for waiter in waiting {
                // The receiver is gone if its caller was cancelled.
                let _ = waiter.send(answer.clone());
            }
        }
    }

    /// The response to a request that is sent after this call; `None` once no more requests are
    /// sent.
    pub async fn next(&self) -> Option<T> {
        let (answer, answered) = oneshot::channel();
        self.inner.waiting.lock().push(answer);
        self.inner.wake.notify_one();
        answered.await.ok()
    }
}

type Point = Result<ReadPoint, Unavailable>;

/// Requests read indexes from the leader, and answers such requests as the leader.
pub struct ReadIndex {
    leader: LeaderFinder,
    linearizable: ReadIndexBatcher<Point>,
    lease: ReadIndexBatcher<Point>,
}

impl ReadIndex {
    pub fn new(leader: LeaderFinder) -> ReadIndex {
        ReadIndex { leader, linearizable: ReadIndexBatcher::new(), lease: ReadIndexBatcher::new() }
    }

    /// Sends the requests of one kind, with or without the lease, for as long as it is polled.
    pub async fn run(self: Arc<Self>, lease: bool) {
        let batcher = if lease { &self.lease } else { &self.linearizable };
        batcher.clone().run(|| self.ask(lease)).await;
    }

    /// The point that must be reached before a read that arrives now.
    pub async fn point(&self, consistency: ReadConsistency) -> Point {
        let batcher = match consistency {
            ReadConsistency::Lease => &self.lease,
            ReadConsistency::Linearizable | ReadConsistency::Local => &self.linearizable,
        };
        batcher.next().await.unwrap_or(Err(Unavailable::NoLeader))
    }

    /// Requests the point from the leader, which may be this node.
    async fn ask(&self, lease: bool) -> Result<ReadPoint, Unavailable> {
        let patience = Instant::now() + LEADER_PATIENCE;
        loop {
            let answer = match self.leader.leader() {
                Leader::Here => match timeout_at(patience, self.confirm(lease)).await {
                    Ok(answer) => answer,
                    Err(_) => Err(ForwardError::Unavailable(Unavailable::NoQuorum)),
                },
                Leader::There(id, member) => {
                    let request = Request::ReadPoint { lease };
                    match timeout_at(patience, self.leader.call(id, &member, &request)).await {
                        Ok(Ok(Response::ReadPoint(answer))) => answer,
                        // The request can be sent again, because it changes nothing.
                        Ok(_) | Err(_) => Err(ForwardError::NotLeader),
                    }
                }
                Leader::Unknown => Err(ForwardError::NotLeader),
            };
            match answer {
                Ok(point) => return Ok(point),
                Err(ForwardError::Unavailable(unavailable)) => return Err(self.leader.told(unavailable)),
                Err(ForwardError::NotLeader) => self.leader.look_again(patience).await?,
            }
        }
    }

    /// Confirms that this node leads, and returns the point for reads that arrived before the call.
    pub async fn confirm(&self, lease: bool) -> Result<ReadPoint, ForwardError> {
        // Consensus does not answer while it waits for the disk, so the wait has a limit.
        let confirmed = tokio::time::timeout(LEADER_PATIENCE, self.confirm_by_then(lease)).await;
        confirmed.unwrap_or(Err(ForwardError::Unavailable(Unavailable::NoQuorum)))
    }

    async fn confirm_by_then(&self, lease: bool) -> Result<ReadPoint, ForwardError> {
        if !self.leader.proposer.may_propose() {
            return Err(ForwardError::NotLeader);
        }
        // Read before the confirmation. The members that confirm the leadership, or on whose
        // replies the lease relies, then know a time that is no earlier.
        let time_ms = self.leader.proposer.read_time();
        if lease
            && let Ok(index) = self.confirm_once(true).await
            // The index and the time are known to be the newest only if the lease still holds after
            // both were read.
            && self.leader.consensus.holds_lease()
            && self.leader.proposer.may_propose()
        {
            return Ok(ReadPoint { index, time_ms });
        }
        let index = self.confirm_once(false).await?;
        Ok(ReadPoint { index, time_ms })
    }

    async fn confirm_once(&self, lease: bool) -> Result<u64, ForwardError> {
        match self.leader.proposer.may_propose() {
            true => self.leader.consensus.read_index(lease).await,
            false => Err(ForwardError::NotLeader),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;

    #[tokio::test]
    async fn waiting_callers_share_a_request_and_later_ones_get_the_next() {
        let batcher = ReadIndexBatcher::new();
        let asked = Arc::new(AtomicU64::new(0));
        let (counter, gate) = (asked.clone(), Arc::new(Notify::new()));
        let opened = gate.clone();
        tokio::spawn(batcher.clone().run(move || {
            let round = counter.fetch_add(1, Ordering::Relaxed) + 1;
            let gate = gate.clone();
            async move {
                gate.notified().await;
                round
            }
        }));
        let first = tokio::spawn({
            let batcher = batcher.clone();
            async move { batcher.next().await }
        });
        while asked.load(Ordering::Relaxed) == 0 {
            tokio::task::yield_now().await;
        }
        let later: Vec<_> = (0..3)
            .map(|_| {
                let batcher = batcher.clone();
                tokio::spawn(async move { batcher.next().await })
            })
            .collect();
        tokio::task::yield_now().await;
        opened.notify_one();
        assert_eq!(first.await.unwrap(), Some(1));
        opened.notify_one();
        for waiter in later {
            assert_eq!(waiter.await.unwrap(), Some(2));
        }
        assert_eq!(asked.load(Ordering::Relaxed), 2);
    }
}
