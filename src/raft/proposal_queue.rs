//! The batches that wait to be proposed, and the choice of those that form the next entry.
//!
//! Invariants:
//! * at most one entry is in flight;
//! * `waiting_bytes` is the total size of the waiting batches.

use std::collections::VecDeque;

use tokio::sync::oneshot;

use super::proposer::Outcome;
use crate::machine::Batch;

/// Decay of the expected batch count: a quarter of the difference for each smaller entry. A wave of
/// clients that was split in two still merges again at this rate; after the clients have gone, the
/// count falls from fifty to one within a dozen entries.
const EXPECTED_DECAY: usize = 4;

/// An entry takes batches up to this size; a larger batch gets an entry to itself. This bounds how
/// long one append delays the next.
pub const ENTRY_BYTES_TARGET: usize = 4 << 20;

pub(super) struct Waiting {
    ticket: u64,
    pub(super) batch: Batch,
    pub(super) answer: oneshot::Sender<Outcome>,
}

/// The next step for the waiting batches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// No batch waits, or the next entry has to wait for the end of the one in flight.
    Nothing,
    Propose,
    /// The queue waits for batches that are expected and have not arrived.
    Gather,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct EntryInFlight {
    batches: usize,
    pub(super) stamp_ms: u64,
}

#[derive(Default)]
pub(super) struct ProposalQueue {
    pub(super) waiting: VecDeque<Waiting>,
    pub(super) waiting_bytes: usize,
    /// The entry in flight, if there is one.
    pub(super) in_flight: Option<EntryInFlight>,
    /// How many batches were recently in flight at a time. After their replies, the same clients
    /// are expected to send their next writes.
    expected: usize,
    /// The ticket of the newest batch; tickets number the batches in the order of arrival.
    ticket: u64,
    /// Whether further batches are refused.
    pub(super) closed: bool,
}

impl ProposalQueue {
    pub(super) fn add(&mut self, batch: Batch, answer: oneshot::Sender<Outcome>) -> u64 {
        self.ticket += 1;
        self.waiting_bytes += batch.bytes();
        self.waiting.push_back(Waiting { ticket: self.ticket, batch, answer });
        self.ticket
    }

    /// Decides the next step for the waiting batches.
    pub(super) fn next(&self) -> Next {
        if self.waiting.is_empty() || self.in_flight.is_some() {
            return Next::Nothing;
        }
        match self.waiting.len() >= self.expected || self.waiting_bytes >= ENTRY_BYTES_TARGET {
            true => Next::Propose,
            false => Next::Gather,
        }
    }

    /// Takes the batches of the next entry and stamps it; `None` if no entry can be proposed now.
    pub(super) fn take_entry(&mut self, stamp: impl FnOnce() -> u64) -> Option<(Vec<Waiting>, u64)> {
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
        assert!(!taken.is_empty() && self.waiting_bytes >= bytes, "the bytes of waiting batches are counted");
        self.waiting_bytes -= bytes;
        let stamp_ms = stamp();
        self.in_flight = Some(EntryInFlight { batches: taken.len(), stamp_ms });
        Some((taken, stamp_ms))
    }

    /// Records that the entry in flight has ended.
    pub(super) fn finish(&mut self) {
        let EntryInFlight { batches, .. } = self.in_flight.take().expect("an entry that ends was in flight");
        let decayed = self.expected - self.expected.div_ceil(EXPECTED_DECAY);
        self.expected = decayed.max(batches + self.waiting.len());
    }

    /// Removes a batch that still waits and returns it; `None` if it has been proposed.
    pub(super) fn withdraw(&mut self, ticket: u64) -> Option<Batch> {
        let at = self.waiting.binary_search_by_key(&ticket, |waiting| waiting.ticket).ok()?;
        let waiting = self.waiting.remove(at)?;
        self.waiting_bytes -= waiting.batch.bytes();
        Some(waiting.batch)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::raft::tests::set;

    /// Adds this many batches to the queue.
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
            "one entry is in flight"
        );
        queue.finish();
        assert_eq!(queue.next(), Next::Gather, "the tenth batch is expected");
        with_more(&mut queue, 1);
        assert_eq!(
            (queue.next(), queue.take_entry(|| 1).map(|(taken, _)| taken.len())),
            (Next::Propose, Some(10))
        );
        assert_eq!(queue.waiting_bytes, 0);
    }

    #[test]
    fn clients_that_left_are_soon_no_longer_expected() {
        let mut queue = ProposalQueue { expected: 50, ..ProposalQueue::default() };
        with_more(&mut queue, 1);
        let mut entries = 0;
        while queue.next() != Next::Propose {
            // No expected batch arrived in time.
            assert_eq!(queue.take_entry(|| 1).map(|(taken, _)| taken.len()), Some(1));
            queue.finish();
            with_more(&mut queue, 1);
            entries += 1;
            assert!(entries < 15, "{} batches are still expected", queue.expected);
        }
        assert!(entries > 5, "the count fell within {entries} entries: too fast for late clients");
    }

    #[test]
    fn a_full_entry_does_not_wait_for_expected_batches() {
        let mut queue = ProposalQueue { expected: 50, ..ProposalQueue::default() };
        with_more(&mut queue, 1);
        assert_eq!(queue.next(), Next::Gather);
        queue.waiting_bytes += ENTRY_BYTES_TARGET;
        assert_eq!(queue.next(), Next::Propose);
    }
}
