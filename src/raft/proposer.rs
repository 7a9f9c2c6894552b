//! Turns the connections' writes into entries of the log.
//!
//! All batches that wait when an entry can be proposed form one entry, which costs one append, one
//! sync and one round of messages. When an entry ends, the next is proposed. On a single node an
//! entry of some size follows already when the one before it is on disk, and is synced while that
//! one is applied; after a large entry, the next one follows at once.
//!
//! Clients that were answered together send their next writes at almost the same time, so the next
//! entry waits briefly for these writes. Without the wait, the first of them would form an entry of
//! its own, and the others would wait for its end. The task that adds the last expected batch
//! proposes at once. (`docs/decisions/0010-one-entry-in-flight.md` has the measurements.)
//!
//! Invariants:
//! * at most two entries are proposed and not yet answered ([`super::proposal_queue`]);
//! * a closed proposer accepts nothing: once it is idle, it stays idle;
//! * every accepted batch is answered once: with its replies, with a refusal from before it was
//!   proposed, or as uncertain;
//! * the waiting bytes are bounded by [`WAITING_BYTES_MAX`]: beyond it a batch is refused, unless
//!   no other one waits;
//! * no command is proposed before its cluster version, whichever node it came from.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::FutureExt;
use openraft::errors::ClientWriteError;
use openraft::raft::ClientWriteResult;
use parking_lot::Mutex;
use tokio::sync::{Notify, oneshot};
use tokio::time::{Instant, timeout, timeout_at};

use super::consensus::Consensus;
use super::proposal_queue::{ENTRY_BYTES_TARGET, Next, ProposalQueue, Taken, Waiting};
use super::strand::Strand;
use super::time::GroupTime;
use super::types::{Callback, Payload, TypeConfig};
use crate::env::Clock;
use crate::error::Unavailable;
use crate::machine::{Batch, ENTRY_BYTES_MAX};
use crate::peer::{Done, Endpoint, FRAME_BYTES_MAX, ForwardError};
use crate::storage::NoSpace;
use crate::storage::log::PAYLOAD_BYTES_MAX;

/// How often gathering yields to the other tasks of the runtime before it proposes without the
/// missing batches. On an idle runtime that takes some tens of microseconds, while an entry takes a
/// millisecond.
const GATHER_TURNS: usize = 32;

/// Upper bound on the gathering on a busy runtime, where one turn takes long. An entry takes about
/// as long on such a runtime.
const GATHER_TIME_MAX: Duration = Duration::from_millis(4);

/// The target size is far below the maximum size of one entry, for which the log and a peer message
/// have room. So even a batch that brings an entry over the target fits.
const _: () = assert!(ENTRY_BYTES_TARGET < ENTRY_BYTES_MAX && ENTRY_BYTES_MAX <= PAYLOAD_BYTES_MAX);
const _: () =
    assert!(ENTRY_BYTES_MAX + (1 << 20) <= FRAME_BYTES_MAX, "the largest entry fits into a message");

/// How long a write may take, including its wait to be proposed: longer than a working majority
/// needs, even with slow disks.
pub const WRITE_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a transfer of leadership, or a node that is to join another cluster, waits for the
/// writes that were accepted earlier.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(2);
const DRAIN_POLL_INTERVAL: Duration = Duration::from_millis(5);

/// Maximum size of the writes that wait to be proposed. A refused client may retry.
pub const WAITING_BYTES_MAX: usize = 256 << 20;

/// The outcome of a batch: its replies, or an error. With [`ForwardError::NotLeader`] comes the
/// batch itself, so that the caller may propose it elsewhere; with other errors the returned batch
/// may be empty.
pub type Outcome = Result<Done, (ForwardError, Batch)>;

/// Proposes writes to the log; clones share one queue.
#[derive(Clone)]
pub struct Proposer {
    inner: Arc<ProposerInner>,
}

struct ProposerInner {
    consensus: Consensus,
    endpoint: Arc<Endpoint>,
    clock: Arc<dyn Clock>,
    time: Arc<GroupTime>,
    queue: Mutex<ProposalQueue>,
    /// Set while leadership is handed over: no new write is proposed then.
    handing_over: AtomicBool,
    /// Wakes the task that gathers the waiting batches and proposes them.
    gathered: Notify,
    /// Wakes the task that proposes, when the log has synced what was proposed.
    synced: Arc<Notify>,
    /// Runs consensus, on one thread while a single client writes to a single node.
    strand: Strand,
}

impl Proposer {
    /// `synced` is notified when the log has everything that was proposed on disk.
    pub fn new(
        (consensus, endpoint): (Consensus, Arc<Endpoint>),
        clock: Arc<dyn Clock>,
        time: Arc<GroupTime>,
        synced: Arc<Notify>,
        strand: Strand,
    ) -> Proposer {
        let inner = ProposerInner {
            consensus,
            endpoint,
            clock,
            time,
            queue: Mutex::default(),
            handing_over: AtomicBool::new(false),
            gathered: Notify::new(),
            synced,
            strand,
        };
        Proposer { inner: Arc::new(inner) }
    }

    /// Whether this node leads and accepts new writes.
    pub fn may_propose(&self) -> bool {
        !self.inner.handing_over.load(Ordering::Acquire) && self.inner.consensus.is_leader()
    }

    /// Refuses new writes until the returned guard is dropped. The guard works even if the task
    /// that hands over is cancelled.
    pub fn begin_handing_over(&self) -> HandingOver<'_> {
        self.inner.handing_over.store(true, Ordering::Release);
        HandingOver(self)
    }

    /// Proposes the gathered batches, for as long as it is polled.
    pub async fn run(self) {
        loop {
            tokio::select! {
                biased;
                () = self.inner.synced.notified() => self.inner.queue.lock().synced(),
                () = self.inner.gathered.notified() => {}
            }
            self.gather().await;
            self.propose_waiting().await;
        }
    }

    /// Proposes a batch to this node's log, if that has room for it. For the batch that an error
    /// returns, see [`Outcome`].
    pub async fn write(&self, batch: Batch) -> Outcome {
        // A node that has applied the raise may forward the command to a leader that has not. The
        // raise is in that leader's log, but the refusal is simpler than the proof, and rare.
        if batch.since_version() > self.inner.endpoint.cluster_version() {
            return Err((ForwardError::Unavailable(Unavailable::NotFinalized), Batch::new()));
        }
        let log = &self.inner.consensus.log;
        let full = |full: NoSpace| {
            let stopping = log.failure().map(|_| Unavailable::ShuttingDown);
            (ForwardError::Unavailable(stopping.unwrap_or_else(|| full.into())), Batch::new())
        };
        let room = log.reserve(batch.entry_bytes()).map_err(full)?;
        let outcome = self.propose(batch, Instant::now() + WRITE_TIMEOUT).await;
        drop(room);
        outcome
    }

    /// Puts a batch into the log and returns its replies once it has been applied.
    ///
    /// # Errors
    /// [`ForwardError::NotLeader`], [`Unavailable::Overloaded`], [`Unavailable::NoQuorum`] and,
    /// while it is closed, [`Unavailable::ShuttingDown`] before anything was proposed;
    /// [`Unavailable::Uncertain`] when the outcome is not known.
    async fn propose(&self, batch: Batch, deadline: Instant) -> Outcome {
        let commands = batch.len();
        let (answer, mut answered) = oneshot::channel();
        let (ticket, next) = {
            let mut queue = self.inner.queue.lock();
            if queue.closed {
                return Err((ForwardError::Unavailable(Unavailable::ShuttingDown), batch));
            }
            if queue.waiting_bytes + batch.bytes() > WAITING_BYTES_MAX && !queue.waiting.is_empty() {
                return Err((ForwardError::Unavailable(Unavailable::Overloaded), batch));
            }
            (queue.add(batch, answer), queue.next())
        };
        match next {
            Next::Nothing => {}
            Next::Propose => self.propose_now(),
            Next::Gather => self.inner.gathered.notify_one(),
        }
        let uncertain = || Err((ForwardError::Unavailable(Unavailable::Uncertain), Batch::new()));
        let outcome = match timeout_at(deadline, &mut answered).await {
            Ok(outcome) => outcome.unwrap_or_else(|_| uncertain()),
            Err(_) => match self.inner.queue.lock().withdraw(ticket) {
                Some(batch) => Err((ForwardError::Unavailable(Unavailable::NoQuorum), batch)),
                None => uncertain(),
            },
        };
        if let Ok(done) = &outcome {
            assert_eq!(done.replies.len(), commands, "an entry produces one reply for each command");
        }
        outcome
    }

    /// Accepts no more batches until the guard is dropped; `None` if the proposer is closed
    /// already. Batches that were accepted before are still proposed.
    fn close(&self) -> Option<Closed<'_>> {
        let closed_before = std::mem::replace(&mut self.inner.queue.lock().closed, true);
        (!closed_before).then_some(Closed(self))
    }

    /// Closes the proposer like [`Proposer::close`], and waits for the accepted writes to end.
    /// `None` if they did not end in time, or the proposer was closed already.
    pub async fn close_when_drained(&self) -> Option<Closed<'_>> {
        let closed = self.close()?;
        self.drained().await.then_some(closed)
    }

    /// Waits until no write is under way; returns `false` on a timeout.
    pub async fn drained(&self) -> bool {
        let drained = async {
            while self.load() != (0, 0) {
                tokio::time::sleep(DRAIN_POLL_INTERVAL).await;
            }
        };
        timeout(DRAIN_TIMEOUT, drained).await.is_ok()
    }

    /// The time for a read that arrives now, in unix milliseconds; only on a leader.
    ///
    /// The time is never later than the stamp of the oldest entry in flight. That entry may still
    /// find a key alive and change it; with a later time, a read that does not see the entry yet
    /// would report the same key as expired.
    pub fn read_time(&self) -> u64 {
        let queue = self.inner.queue.lock();
        queue.oldest_stamp_ms().unwrap_or_else(|| self.inner.time.leading())
    }

    /// How many bytes wait to be proposed, and how many entries are in flight.
    pub fn load(&self) -> (usize, usize) {
        let queue = self.inner.queue.lock();
        (queue.waiting_bytes, queue.in_flight())
    }

    /// Waits briefly for the missing batches.
    async fn gather(&self) {
        let begun = self.inner.clock.elapsed();
        for _ in 0..GATHER_TURNS {
            let waited = self.inner.clock.elapsed().saturating_sub(begun);
            if self.inner.queue.lock().next() != Next::Gather || waited >= GATHER_TIME_MAX {
                return;
            }
            tokio::task::yield_now().await;
        }
    }

    /// Passes the waiting batches to consensus. Usually consensus takes them at once; otherwise a
    /// separate task waits until it does, because the caller's deadline may end earlier.
    fn propose_now(&self) {
        let proposer = self.clone();
        let mut proposing = Box::pin(async move { proposer.propose_waiting().await });
        if (&mut proposing).now_or_never().is_none() {
            tokio::spawn(proposing);
        }
    }

    /// Proposes the waiting batches, if an entry may be proposed now.
    async fn propose_waiting(&self) {
        let taken = self.inner.queue.lock().take_entry(|| self.inner.time.leading());
        let Some(Taken { ticket, batches, stamp_ms }) = taken else { return };
        // Created before the call, so that its drop releases the slot on every path.
        let entry = InFlight { proposer: self.clone(), ticket, batches };
        let payload = Payload(Batch::encode(entry.batches.iter().map(|waiting| &waiting.batch), stamp_ms));
        let respond = Callback::new(move |result| entry.answer(result));
        // An error here means that consensus has stopped, and dropped the callback.
        let _ = self.inner.consensus.raft.client_write_ff(payload, Some(respond)).await;
    }

    fn finished(&self, ticket: u64) {
        let mut queue = self.inner.queue.lock();
        queue.finish(ticket);
        let is_alone = self.inner.consensus.is_alone();
        queue.may_pipeline = is_alone;
        // Wide for a leader with followers: nothing, for example a long apply, may delay its
        // heartbeats.
        self.inner.strand.set_narrow(is_alone && queue.expects_one());
        if !queue.waiting.is_empty() {
            self.inner.gathered.notify_one();
        }
    }
}

/// A guard that refuses new writes while leadership is handed over.
pub struct HandingOver<'a>(&'a Proposer);

impl Drop for HandingOver<'_> {
    fn drop(&mut self) {
        self.0.inner.handing_over.store(false, Ordering::Release);
    }
}

/// A guard that keeps a proposer closed.
pub struct Closed<'a>(&'a Proposer);

impl Closed<'_> {
    /// Keeps the proposer closed for the rest of the process.
    pub fn keep_closed(self) {
        std::mem::forget(self);
    }
}

impl Drop for Closed<'_> {
    fn drop(&mut self) {
        self.0.inner.queue.lock().closed = false;
    }
}

/// An entry that was proposed. Consensus calls back with its outcome. If consensus stops first, it
/// drops the callback. The drop also releases the slot; the outcome of the batches is then
/// uncertain, because the entry may have been accepted before the stop.
struct InFlight {
    proposer: Proposer,
    ticket: u64,
    batches: Vec<Waiting>,
}

impl InFlight {
    fn answer(mut self, result: ClientWriteResult<TypeConfig>) {
        let batches = std::mem::take(&mut self.batches);
        // The slot is released before the replies are sent, so that a client's next write finds it
        // free.
        drop(self);
        answer_all(batches, result);
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.proposer.finished(self.ticket);
        // Dropping a sender tells its waiter that the outcome is unknown.
        self.batches.clear();
    }
}

/// Distributes the entry's replies to its batches.
fn answer_all(taken: Vec<Waiting>, result: ClientWriteResult<TypeConfig>) {
    let mut done = result.map(|response| (response.log_id.index(), response.data.0.into_iter()));
    for waiting in taken {
        let outcome = match &mut done {
            Ok((index, replies)) => {
                Ok(Done { index: *index, replies: replies.by_ref().take(waiting.batch.len()).collect() })
            }
            // openraft returns this error only for an entry that it did not append.
            Err(ClientWriteError::ForwardToLeader(_)) => Err((ForwardError::NotLeader, waiting.batch)),
            // The entry was appended, but this node cannot know whether it will be committed.
            Err(_) => Err((ForwardError::Unavailable(Unavailable::Uncertain), Batch::new())),
        };
        // The receiver is gone if the connection has closed; nobody reads this reply then.
        let _ = waiting.answer.send(outcome);
    }
}
