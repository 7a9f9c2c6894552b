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
//! * every batch that is taken in is answered once: with its replies, with a refusal from before it was proposed,
//!   or as uncertain;
//! * the bytes that wait are bounded by [`WAITING_BYTES_MAX`]: beyond it a batch is refused, not queued.

use std::collections::VecDeque;
use std::sync::Arc;

use openraft::errors::ClientWriteError;
use openraft::raft::ClientWriteResult;
use parking_lot::Mutex;
use tokio::sync::{Notify, oneshot};
use tokio::time::{Instant, timeout_at};

use super::net::{Declined, FRAME_BYTES_MAX};
use super::state_machine::StateMachine;
use super::types::{Callback, Payload, TypeConfig};
use crate::env::Clock;
use crate::error::Unavailable;
use crate::machine::{Batch, ENTRY_BYTES_MAX};
use crate::resp::Reply;
use crate::storage::log::PAYLOAD_BYTES_MAX;

/// How often the other tasks of the runtime get a turn, at most, before an entry goes without those that are missed. With
/// nothing else to do that takes some tens of microseconds, where an entry takes a millisecond.
const GATHER_TURNS: usize = 32;

/// An entry takes batches until it holds so many bytes; a single larger batch still goes alone. It bounds how long
/// one append holds up the next.
pub const ENTRY_BYTES_TARGET: usize = 4 << 20;

/// Entries of several batches are far below what a batch alone may be, which the log and a message have room for.
const _: () = assert!(ENTRY_BYTES_TARGET < ENTRY_BYTES_MAX && ENTRY_BYTES_MAX <= PAYLOAD_BYTES_MAX);
const _: () = assert!(ENTRY_BYTES_MAX + (1 << 20) <= FRAME_BYTES_MAX, "a message says more than its entry");

/// What may wait to be proposed. A client that gets the refusal may try again.
pub const WAITING_BYTES_MAX: usize = 256 << 20;

/// What a client is told of its batch.
pub type Answered = Result<Vec<Reply>, Unavailable>;

/// What becomes of a batch here: its replies, or why not, with the batch if it surely was not proposed.
pub type Outcome = Result<Vec<Reply>, (Declined, Batch)>;

struct Waiting {
    ticket: u64,
    batch: Batch,
    answer: oneshot::Sender<Outcome>,
}

#[derive(Default)]
struct Queue {
    waiting: VecDeque<Waiting>,
    waiting_bytes: usize,
    /// How many batches are in the entry that is under way, if one is.
    in_flight: Option<usize>,
    /// How many batches were lately under way at a time: who was answered is expected back.
    expected: usize,
    /// Names the next batch.
    ticket: u64,
}

impl Queue {
    /// Whether there is nothing to wait for before the next entry, if one can be proposed at all.
    fn is_gathered(&self) -> bool {
        self.waiting.is_empty() || self.in_flight.is_some() || self.waiting.len() >= self.expected
    }

    /// Takes note of the end of the entry that was under way. What is expected sinks slowly, since a wave of clients that
    /// comes back in two halves is to become one again.
    fn finish(&mut self) {
        let batches = self.in_flight.take().expect("an entry that ends was in flight");
        let sunk = self.expected - self.expected.div_ceil(4);
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
    shared: Arc<Shared>,
}

struct Shared {
    raft: openraft::Raft<TypeConfig, StateMachine>,
    clock: Arc<dyn Clock>,
    queue: Mutex<Queue>,
    /// Wakes the task that gathers and proposes.
    gathered: Notify,
}

impl Proposer {
    /// Starts the task that proposes what gathers. It ends with the runtime.
    pub fn start(raft: openraft::Raft<TypeConfig, StateMachine>, clock: Arc<dyn Clock>) -> Proposer {
        let shared = Shared { raft, clock, queue: Mutex::default(), gathered: Notify::new() };
        let proposer = Proposer { shared: Arc::new(shared) };
        let pump = proposer.clone();
        tokio::spawn(async move {
            loop {
                pump.shared.gathered.notified().await;
                pump.gather().await;
                pump.propose_waiting().await;
            }
        });
        proposer
    }

    /// Puts a batch into the log and gives its replies when it has been applied.
    ///
    /// # Errors
    /// [`Declined::NotLeader`], [`Unavailable::Overloaded`] and [`Unavailable::NoQuorum`] before anything was proposed;
    /// [`Unavailable::Uncertain`] when the outcome is not known.
    pub async fn propose(&self, batch: Batch, deadline: Instant) -> Outcome {
        let commands = batch.len();
        let (answer, mut answered) = oneshot::channel();
        let (ticket, gathered) = {
            let mut queue = self.shared.queue.lock();
            if queue.waiting_bytes + batch.bytes() > WAITING_BYTES_MAX && !queue.waiting.is_empty() {
                return Err((Declined::Unavailable(Unavailable::Overloaded), batch));
            }
            let ticket = queue.ticket;
            queue.ticket += 1;
            queue.waiting_bytes += batch.bytes();
            queue.waiting.push_back(Waiting { ticket, batch, answer });
            (ticket, queue.is_gathered())
        };
        match gathered {
            true => self.propose_waiting().await,
            false => self.shared.gathered.notify_one(),
        }
        let uncertain = || Err((Declined::Unavailable(Unavailable::Uncertain), Batch::new()));
        let outcome = match timeout_at(deadline, &mut answered).await {
            Ok(outcome) => outcome.unwrap_or_else(|_| uncertain()),
            Err(_) => match self.shared.queue.lock().withdraw(ticket) {
                Some(batch) => Err((Declined::Unavailable(Unavailable::NoQuorum), batch)),
                None => uncertain(),
            },
        };
        if let Ok(replies) = &outcome {
            assert_eq!(replies.len(), commands, "an entry gives one reply for each command");
        }
        outcome
    }

    /// How many bytes wait and how many entries are in flight.
    pub fn load(&self) -> (usize, usize) {
        let queue = self.shared.queue.lock();
        (queue.waiting_bytes, usize::from(queue.in_flight.is_some()))
    }

    /// Gives those who are missed a chance to come.
    async fn gather(&self) {
        for _ in 0..GATHER_TURNS {
            if self.shared.queue.lock().is_gathered() {
                return;
            }
            tokio::task::yield_now().await;
        }
    }

    /// Proposes what waits, unless an entry is in flight.
    async fn propose_waiting(&self) {
        let Some(taken) = self.take_entry() else { return };
        let now_ms = self.shared.clock.now_ms();
        let payload = Payload(Batch::encode(taken.iter().map(|waiting| &waiting.batch), now_ms));
        let entry = InFlight { proposer: self.clone(), taken };
        let respond = Callback::new(move |result| entry.answer(result));
        // An error here means that consensus has stopped, and dropped the callback.
        let _ = self.shared.raft.client_write_ff(payload, Some(respond)).await;
    }

    fn take_entry(&self) -> Option<Vec<Waiting>> {
        let mut queue = self.shared.queue.lock();
        if queue.in_flight.is_some() {
            return None;
        }
        let mut taken = Vec::new();
        let mut bytes = 0;
        while let Some(next) = queue.waiting.front()
            && (taken.is_empty() || bytes + next.batch.bytes() <= ENTRY_BYTES_TARGET)
        {
            bytes += next.batch.bytes();
            taken.extend(queue.waiting.pop_front());
        }
        if taken.is_empty() {
            return None;
        }
        assert!(queue.waiting_bytes >= bytes, "what waits is counted");
        queue.waiting_bytes -= bytes;
        queue.in_flight = Some(taken.len());
        Some(taken)
    }

    fn finished(&self) {
        let mut queue = self.shared.queue.lock();
        queue.finish();
        if !queue.waiting.is_empty() {
            self.shared.gathered.notify_one();
        }
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
    let mut replies = result.map(|response| response.data.0.into_iter());
    for waiting in taken {
        let outcome = match &mut replies {
            Ok(replies) => Ok(replies.by_ref().take(waiting.batch.len()).collect()),
            // openraft says so of an entry that it did not append.
            Err(ClientWriteError::ForwardToLeader(_)) => Err((Declined::NotLeader, waiting.batch)),
            // Whether an entry that was appended and not answered will be committed is known to nobody here.
            Err(_) => Err((Declined::Unavailable(Unavailable::Uncertain), Batch::new())),
        };
        // A connection that went away does not read its answer.
        let _ = waiting.answer.send(outcome);
    }
}
