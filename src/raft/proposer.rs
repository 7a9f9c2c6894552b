//! Turns what connections want written into entries of the log.
//!
//! Whatever is waiting when an entry can be proposed goes into it together, so one append, one sync and one round
//! of messages serve everybody. One entry is in flight at a time; its end starts the next. Clients that were answered
//! together come back almost together, so the next entry waits for them, a moment and no longer: without that, the first
//! of them would go alone and the others would wait for it. A batch that is not missing anybody is proposed at once by
//! the task that brings it. (`docs/decisions/0010-one-entry-in-flight.md` has what was measured.)
//!
//! Invariants:
//! * at most one entry is proposed and not yet answered;
//! * nothing is taken in while it is closed: when it is idle then, it stays so;
//! * every batch that is taken in is answered once: with its replies, with a refusal from before it was proposed,
//!   or as uncertain;
//! * the bytes that wait are bounded by [`WAITING_BYTES_MAX`]: beyond it a batch is refused, not queued.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use openraft::errors::ClientWriteError;
use openraft::raft::ClientWriteResult;
use parking_lot::Mutex;
use tokio::sync::{Notify, oneshot};
use tokio::time::{Instant, timeout_at};

use super::state_machine::StateMachine;
use super::time::GroupTime;
use super::types::{Callback, Payload, TypeConfig};
use crate::env::Clock;
use crate::error::Unavailable;
use crate::machine::{Batch, ENTRY_BYTES_MAX};
use crate::peer::{Done, FRAME_BYTES_MAX, ForwardError};
use crate::storage::log::PAYLOAD_BYTES_MAX;

/// How often the other tasks of the runtime get a turn, at most, before an entry goes without those that are missed. With
/// nothing else to do that takes some tens of microseconds, where an entry takes a millisecond.
const GATHER_TURNS: usize = 32;

/// Where a turn is long, since others have much to do, it is over after this: about as long as an entry takes there.
const GATHER_TIME_MAX: Duration = Duration::from_millis(4);

/// What is expected sinks by this part of it with each entry that has fewer: slowly, since a wave of clients that comes back
/// in two halves is to become one again; in a dozen entries from fifty to one, when the others have gone.
const EXPECTED_SINKS_BY: usize = 4;

/// An entry takes batches until it holds so many bytes; a single larger batch still goes alone. It bounds how long
/// one append holds up the next.
pub const ENTRY_BYTES_TARGET: usize = 4 << 20;

/// Entries of several batches are far below what a batch alone may be, which the log and a message have room for.
const _: () = assert!(ENTRY_BYTES_TARGET < ENTRY_BYTES_MAX && ENTRY_BYTES_MAX <= PAYLOAD_BYTES_MAX);
const _: () = assert!(ENTRY_BYTES_MAX + (1 << 20) <= FRAME_BYTES_MAX, "a message says more than its entry");

/// What may wait to be proposed. A client that gets the refusal may try again.
pub const WAITING_BYTES_MAX: usize = 256 << 20;

/// What a client is told of its batch.
pub type Answered = Result<Done, Unavailable>;

/// What becomes of a batch here: its replies, or why not, with the batch if it surely was not proposed.
pub type Outcome = Result<Done, (ForwardError, Batch)>;

struct Waiting {
    ticket: u64,
    batch: Batch,
    answer: oneshot::Sender<Outcome>,
}

/// What to do about what waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    /// Nothing waits, or an entry is in flight whose end starts the next.
    Nothing,
    Propose,
    /// Somebody is missed.
    Gather,
}

#[derive(Clone, Copy, Debug)]
struct UnderWay {
    batches: usize,
    stamp_ms: u64,
}

#[derive(Default)]
struct ProposalQueue {
    waiting: VecDeque<Waiting>,
    waiting_bytes: usize,
    /// The entry that is under way, if one is.
    in_flight: Option<UnderWay>,
    /// How many batches were lately under way at a time: who was answered is expected back.
    expected: usize,
    /// Names the last batch.
    ticket: u64,
    /// Nothing more is taken in.
    closed: bool,
}

impl ProposalQueue {
    fn add(&mut self, batch: Batch, answer: oneshot::Sender<Outcome>) -> u64 {
        self.ticket += 1;
        self.waiting_bytes += batch.bytes();
        self.waiting.push_back(Waiting { ticket: self.ticket, batch, answer });
        self.ticket
    }

    /// What to do about what waits.
    fn next(&self) -> Next {
        if self.waiting.is_empty() || self.in_flight.is_some() {
            return Next::Nothing;
        }
        match self.waiting.len() >= self.expected || self.waiting_bytes >= ENTRY_BYTES_TARGET {
            true => Next::Propose,
            false => Next::Gather,
        }
    }

    /// Takes out what goes into the next entry, if one can be proposed, and stamps it.
    fn take_entry(&mut self, stamp: impl FnOnce() -> u64) -> Option<(Vec<Waiting>, u64)> {
        if self.next() == Next::Nothing {
            return None;
        }
        let mut taken = Vec::new();
        let mut bytes = 0;
        while let Some(next) = self.waiting.front()
            && (taken.is_empty() || bytes + next.batch.bytes() <= ENTRY_BYTES_TARGET)
        {
            bytes += next.batch.bytes();
            taken.extend(self.waiting.pop_front());
        }
        assert!(!taken.is_empty() && self.waiting_bytes >= bytes, "what waits is counted");
        self.waiting_bytes -= bytes;
        let stamp_ms = stamp();
        self.in_flight = Some(UnderWay { batches: taken.len(), stamp_ms });
        Some((taken, stamp_ms))
    }

    /// Takes note of the end of the entry that was under way.
    fn finish(&mut self) {
        let UnderWay { batches, .. } = self.in_flight.take().expect("an entry that ends was in flight");
        let sunk = self.expected - self.expected.div_ceil(EXPECTED_SINKS_BY);
        self.expected = sunk.max(batches + self.waiting.len());
    }

    /// Takes back a batch that still waits.
    fn withdraw(&mut self, ticket: u64) -> Option<Batch> {
        let at = self.waiting.binary_search_by_key(&ticket, |waiting| waiting.ticket).ok()?;
        let waiting = self.waiting.remove(at)?;
        self.waiting_bytes -= waiting.batch.bytes();
        Some(waiting.batch)
    }
}

/// The way into the log. A clone is another handle on the same queue.
#[derive(Clone)]
pub struct Proposer {
    inner: Arc<ProposerInner>,
}

struct ProposerInner {
    raft: openraft::Raft<TypeConfig, StateMachine>,
    clock: Arc<dyn Clock>,
    time: Arc<GroupTime>,
    queue: Mutex<ProposalQueue>,
    /// Wakes the task that gathers and proposes.
    gathered: Notify,
}

impl Proposer {
    pub fn new(
        raft: openraft::Raft<TypeConfig, StateMachine>,
        clock: Arc<dyn Clock>,
        time: Arc<GroupTime>,
    ) -> Proposer {
        let inner = ProposerInner { raft, clock, time, queue: Mutex::default(), gathered: Notify::new() };
        Proposer { inner: Arc::new(inner) }
    }

    /// Proposes what gathers, for as long as it is polled.
    pub async fn run(self) {
        loop {
            self.inner.gathered.notified().await;
            self.gather().await;
            self.propose_waiting().await;
        }
    }

    /// Puts a batch into the log and gives its replies when it has been applied.
    ///
    /// # Errors
    /// [`ForwardError::NotLeader`], [`Unavailable::Overloaded`], [`Unavailable::NoQuorum`] and, while it is closed,
    /// [`Unavailable::ShuttingDown`] before anything was proposed;
    /// [`Unavailable::Uncertain`] when the outcome is not known.
    pub async fn propose(&self, batch: Batch, deadline: Instant) -> Outcome {
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

    /// Takes in no more batches until what is returned is dropped; `None` if it is closed already. Those that were taken in
    /// are proposed all the same.
    pub fn close(&self) -> Option<Closed<'_>> {
        let closed_before = std::mem::replace(&mut self.inner.queue.lock().closed, true);
        (!closed_before).then_some(Closed(self))
    }

    /// The time for a read that comes now, in unix milliseconds; only on a leader.
    ///
    /// It does not pass the stamp of an entry that is under way: the read may miss that entry, and would take a key for
    /// expired whose deadline the entry finds still to come, and changes.
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

    /// Hands what waits to consensus. Where that takes it at once, as nearly always, nobody else is needed; where it does
    /// not, somebody else waits for it: who proposes goes by a deadline of his own.
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
        let _ = self.inner.raft.client_write_ff(payload, Some(respond)).await;
    }

    fn finished(&self) {
        let mut queue = self.inner.queue.lock();
        queue.finish();
        if !queue.waiting.is_empty() {
            self.inner.gathered.notify_one();
        }
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

/// An entry that was proposed. Consensus calls back with its outcome, or, when it stops, drops the callback: then the
/// entry's place is free all the same, and its batches are uncertain, since it may have been taken in before the stop.
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
            // Whether an entry that was appended and not answered will be committed is known to nobody here.
            Err(_) => Err((ForwardError::Unavailable(Unavailable::Uncertain), Batch::new())),
        };
        // A connection that went away does not read its answer.
        let _ = waiting.answer.send(outcome);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::tests::disk_failure::set;

    /// A queue for which so many more batches wait.
    fn with_more(queue: &mut ProposalQueue, batches: usize) {
        for _ in 0..batches {
            queue.add(set("key"), oneshot::channel().0);
        }
    }

    #[test]
    fn one_entry_is_in_flight_and_the_next_expects_all_who_were_there() {
        let mut queue = ProposalQueue::default();
        assert_eq!((queue.next(), queue.take_entry(|| 1).is_none()), (Next::Nothing, true));
        with_more(&mut queue, 1);
        assert_eq!(
            (queue.next(), queue.take_entry(|| 1).map(|(taken, _)| taken.len())),
            (Next::Propose, Some(1))
        );
        with_more(&mut queue, 9);
        assert_eq!(
            (queue.next(), queue.take_entry(|| 1).is_none()),
            (Next::Nothing, true),
            "one is in flight"
        );
        queue.finish();
        assert_eq!(queue.next(), Next::Gather, "the tenth is missed");
        with_more(&mut queue, 1);
        assert_eq!(
            (queue.next(), queue.take_entry(|| 1).map(|(taken, _)| taken.len())),
            (Next::Propose, Some(10))
        );
        assert_eq!(queue.waiting_bytes, 0);
    }

    #[test]
    fn who_has_gone_is_soon_expected_no_more() {
        let mut queue = ProposalQueue { expected: 50, ..ProposalQueue::default() };
        with_more(&mut queue, 1);
        let mut entries = 0;
        while queue.next() != Next::Propose {
            // Nobody came in time.
            assert_eq!(queue.take_entry(|| 1).map(|(taken, _)| taken.len()), Some(1));
            queue.finish();
            with_more(&mut queue, 1);
            entries += 1;
            assert!(entries < 15, "{} are expected still", queue.expected);
        }
        assert!(entries > 5, "{entries} entries are too few for those who are late");
    }

    #[test]
    fn an_entry_that_is_full_waits_for_nobody() {
        let mut queue = ProposalQueue { expected: 50, ..ProposalQueue::default() };
        with_more(&mut queue, 1);
        assert_eq!(queue.next(), Next::Gather);
        queue.waiting_bytes += ENTRY_BYTES_TARGET;
        assert_eq!(queue.next(), Next::Propose);
    }
}
