//! Turns what connections want written into entries of the log.
//!
//! Whatever is waiting when an entry can be proposed goes into it together, so one append, one sync
//! and one round of messages serve everybody. One entry is in flight at a time; its end starts the
//! next. Clients that were answered together come back almost together, so the next entry waits for
//! them, a moment and no longer: without that, the first of them would go alone and the others
//! would wait for it. A batch that is not missing anybody is proposed at once by the task that
//! brings it. (`docs/decisions/0010-one-entry-in-flight.md` has what was measured.)
//!
//! Invariants:
//! * at most one entry is proposed and not yet answered;
//! * nothing is taken in while it is closed: when it is idle then, it stays so;
//! * every batch that is taken in is answered once: with its replies, with a refusal from before it
//!   was proposed, or as uncertain;
//! * the bytes that wait are bounded by [`WAITING_BYTES_MAX`]: beyond it a batch is refused, not
//!   queued.

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
use super::proposal_queue::{ENTRY_BYTES_TARGET, Next, ProposalQueue, Waiting};
use super::time::GroupTime;
use super::types::{Callback, Payload, TypeConfig};
use crate::env::Clock;
use crate::error::Unavailable;
use crate::machine::{Batch, ENTRY_BYTES_MAX};
use crate::peer::{Done, FRAME_BYTES_MAX, ForwardError};
use crate::storage::NoSpace;
use crate::storage::log::PAYLOAD_BYTES_MAX;

/// How often the other tasks of the runtime get a turn, at most, before an entry goes without those
/// that are missed. With nothing else to do that takes some tens of microseconds, where an entry
/// takes a millisecond.
const GATHER_TURNS: usize = 32;

/// Where a turn is long, since others have much to do, it is over after this: about as long as an
/// entry takes there.
const GATHER_TIME_MAX: Duration = Duration::from_millis(4);

/// Entries of several batches are far below what a batch alone may be, which the log and a message
/// have room for.
const _: () = assert!(ENTRY_BYTES_TARGET < ENTRY_BYTES_MAX && ENTRY_BYTES_MAX <= PAYLOAD_BYTES_MAX);
const _: () = assert!(ENTRY_BYTES_MAX + (1 << 20) <= FRAME_BYTES_MAX, "a message says more than its entry");

/// How long a write may take once it is under way: longer than a majority that is alive needs, on a
/// slow disk too.
pub const WRITE_TIMEOUT: Duration = Duration::from_secs(5);
/// What was proposed before a hand-over, or before a node gives its group up, is answered within
/// this.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(2);
const DRAIN_LOOK_AGAIN: Duration = Duration::from_millis(5);

/// What may wait to be proposed. A client that gets the refusal may try again.
pub const WAITING_BYTES_MAX: usize = 256 << 20;

/// What becomes of a batch here: its replies, or why not, with the batch if it surely was not
/// proposed.
pub type Outcome = Result<Done, (ForwardError, Batch)>;

/// The way into the log. A clone is another handle on the same queue.
#[derive(Clone)]
pub struct Proposer {
    inner: Arc<ProposerInner>,
}

struct ProposerInner {
    consensus: Consensus,
    clock: Arc<dyn Clock>,
    time: Arc<GroupTime>,
    queue: Mutex<ProposalQueue>,
    /// While leadership is handed over nothing new is proposed here.
    handing_over: AtomicBool,
    /// Wakes the task that gathers and proposes.
    gathered: Notify,
}

impl Proposer {
    pub fn new(consensus: Consensus, clock: Arc<dyn Clock>, time: Arc<GroupTime>) -> Proposer {
        let inner = ProposerInner {
            consensus,
            clock,
            time,
            queue: Mutex::default(),
            handing_over: AtomicBool::new(false),
            gathered: Notify::new(),
        };
        Proposer { inner: Arc::new(inner) }
    }

    /// Whether a leader here takes new writes.
    pub fn may_propose(&self) -> bool {
        !self.inner.handing_over.load(Ordering::Acquire) && self.inner.consensus.is_leader()
    }

    /// Takes no new writes here until what is returned is dropped: also when whoever hands over is
    /// cut off meanwhile.
    pub fn begin_handing_over(&self) -> HandingOver<'_> {
        self.inner.handing_over.store(true, Ordering::Release);
        HandingOver(self)
    }

    /// Proposes what gathers, for as long as it is polled.
    pub async fn run(self) {
        loop {
            self.inner.gathered.notified().await;
            self.gather().await;
            self.propose_waiting().await;
        }
    }

    /// Proposes a batch to the log of this node, if that has room for it. A batch that surely was
    /// not proposed comes back.
    pub async fn write(&self, batch: Batch) -> Outcome {
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

    /// Puts a batch into the log and gives its replies when it has been applied.
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
            assert_eq!(done.replies.len(), commands, "an entry gives one reply for each command");
        }
        outcome
    }

    /// Takes in no more batches until what is returned is dropped; `None` if it is closed already.
    /// Those that were taken in are proposed all the same.
    fn close(&self) -> Option<Closed<'_>> {
        let closed_before = std::mem::replace(&mut self.inner.queue.lock().closed, true);
        (!closed_before).then_some(Closed(self))
    }

    /// As [`Proposer::close`], and waits for the writes that were taken in. `None`: they did not
    /// end in time, or another has closed it.
    pub async fn close_when_drained(&self) -> Option<Closed<'_>> {
        let closed = self.close()?;
        self.drained().await.then_some(closed)
    }

    /// Returns when no write is under way; `false` if that took too long.
    pub async fn drained(&self) -> bool {
        let drained = async {
            while self.load() != (0, 0) {
                tokio::time::sleep(DRAIN_LOOK_AGAIN).await;
            }
        };
        timeout(DRAIN_TIMEOUT, drained).await.is_ok()
    }

    /// The time for a read that comes now, in unix milliseconds; only on a leader.
    ///
    /// It does not pass the stamp of an entry that is under way: the read may miss that entry, and
    /// would take a key for expired whose deadline the entry finds still to come, and changes.
    pub fn read_time(&self) -> u64 {
        let queue = self.inner.queue.lock();
        queue.in_flight.map_or_else(|| self.inner.time.leading(), |entry| entry.stamp_ms)
    }

    /// How many bytes wait and how many entries are in flight.
    pub fn load(&self) -> (usize, usize) {
        let queue = self.inner.queue.lock();
        (queue.waiting_bytes, usize::from(queue.in_flight.is_some()))
    }

    /// Gives those who are missed a chance to come.
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

    /// Hands what waits to consensus. Where that takes it at once, as nearly always, nobody else is
    /// needed; where it does not, somebody else waits for it: who proposes goes by a deadline of
    /// his own.
    fn propose_now(&self) {
        let proposer = self.clone();
        let mut proposing = Box::pin(async move { proposer.propose_waiting().await });
        if (&mut proposing).now_or_never().is_none() {
            tokio::spawn(proposing);
        }
    }

    /// Proposes what waits, unless an entry is in flight.
    async fn propose_waiting(&self) {
        let taken = self.inner.queue.lock().take_entry(|| self.inner.time.leading());
        let Some((taken, stamp_ms)) = taken else { return };
        // First of all, so that the place is given free whatever happens.
        let entry = InFlight { proposer: self.clone(), taken };
        let payload = Payload(Batch::encode(entry.taken.iter().map(|waiting| &waiting.batch), stamp_ms));
        let respond = Callback::new(move |result| entry.answer(result));
        // An error here means that consensus has stopped, and dropped the callback.
        let _ = self.inner.consensus.raft.client_write_ff(payload, Some(respond)).await;
    }

    fn finished(&self) {
        let mut queue = self.inner.queue.lock();
        queue.finish();
        if !queue.waiting.is_empty() {
            self.inner.gathered.notify_one();
        }
    }
}

/// Holds back new writes while leadership is handed over.
pub struct HandingOver<'a>(&'a Proposer);

impl Drop for HandingOver<'_> {
    fn drop(&mut self) {
        self.0.inner.handing_over.store(false, Ordering::Release);
    }
}

/// Keeps a proposer closed.
pub struct Closed<'a>(&'a Proposer);

impl Closed<'_> {
    /// It stays closed.
    pub fn for_good(self) {
        std::mem::forget(self);
    }
}

impl Drop for Closed<'_> {
    fn drop(&mut self) {
        self.0.inner.queue.lock().closed = false;
    }
}

/// An entry that was proposed. Consensus calls back with its outcome, or, when it stops, drops the
/// callback: then the entry's place is free all the same, and its batches are uncertain, since it
/// may have been taken in before the stop.
struct InFlight {
    proposer: Proposer,
    taken: Vec<Waiting>,
}

impl InFlight {
    fn answer(mut self, result: ClientWriteResult<TypeConfig>) {
        let taken = std::mem::take(&mut self.taken);
        // The place is given free before the replies are, so that who answers at once finds it.
        drop(self);
        answer_all(taken, result);
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.proposer.finished();
        // A sender that is dropped says that the outcome is not known.
        self.taken.clear();
    }
}

/// Gives each batch its part of the entry's replies.
fn answer_all(taken: Vec<Waiting>, result: ClientWriteResult<TypeConfig>) {
    let mut done = result.map(|response| (response.log_id.index(), response.data.0.into_iter()));
    for waiting in taken {
        let outcome = match &mut done {
            Ok((index, replies)) => {
                Ok(Done { index: *index, replies: replies.by_ref().take(waiting.batch.len()).collect() })
            }
            // openraft says so of an entry that it did not append.
            Err(ClientWriteError::ForwardToLeader(_)) => Err((ForwardError::NotLeader, waiting.batch)),
            // Whether an entry that was appended and not answered will be committed is known to
            // nobody here.
            Err(_) => Err((ForwardError::Unavailable(Unavailable::Uncertain), Batch::new())),
        };
        // A connection that went away does not read its answer.
        let _ = waiting.answer.send(outcome);
    }
}
