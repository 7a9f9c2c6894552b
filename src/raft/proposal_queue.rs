//! The batches that wait to be proposed, and the choice of those that form the next entry.
//!
//! Invariants:
//! * at most two entries are in flight; the second follows only on a single node, and only an entry
//!   that is on disk or large;
//! * `waiting_bytes` is the total size of the waiting batches.

use std::collections::VecDeque;

use tokio::sync::oneshot;

use super::proposer::Outcome;
use crate::machine::Batch;

/// Decay of the expected batch count: after an entry with fewer batches, the count falls by this
/// part of itself, a quarter. A wave of clients that was split in two still merges again at this
/// rate; after the clients have gone, the count falls from fifty to one within a dozen entries.
const EXPECTED_DECAY: usize = 4;

/// An entry takes batches up to this size; a larger batch gets an entry to itself. This bounds how
/// long one append delays the next.
pub const ENTRY_BYTES_TARGET: usize = 4 << 20;

/// Size of the waiting batches from which the next entry is proposed while the last one, already on
/// disk, is being applied. Smaller ones wait for its end, which makes fewer and larger entries.
const PIPELINE_BYTES_MIN: usize = 32 << 10;

/// Size of a large entry: the next one is proposed at once, so that small writes wait for its time
/// on the disk, but not for its apply.
const LARGE_BYTES_MIN: usize = 1 << 20;

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
struct EntryInFlight {
    /// The ticket of the entry's last batch, which identifies the entry.
    ticket: u64,
    batches: usize,
    stamp_ms: u64,
    /// Whether this node's log has the entry on disk. The flag may be set a little early; the next
    /// entry is then smaller, and nothing else changes.
    is_durable: bool,
    /// Whether the entry keeps the disk busy for so long that small writes should not wait for its
    /// end.
    is_large: bool,
}

/// An entry to propose.
pub(super) struct Taken {
    pub(super) ticket: u64,
    pub(super) batches: Vec<Waiting>,
    pub(super) stamp_ms: u64,
}

#[derive(Default)]
pub(super) struct ProposalQueue {
    pub(super) waiting: VecDeque<Waiting>,
    pub(super) waiting_bytes: usize,
    /// The entries in flight, the oldest first.
    in_flight: VecDeque<EntryInFlight>,
    /// How many batches were recently in flight at a time. After their replies, the same clients
    /// are expected to send their next writes.
    expected: usize,
    /// The ticket of the newest batch; tickets number the batches in the order of arrival.
    ticket: u64,
    /// Whether a second entry may follow: only on a single node, where the log's sync and the apply
    /// are all that an entry waits for.
    pub(super) may_pipeline: bool,
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
        let may_follow = match self.in_flight.len() {
            0 => true,
            1 => self.may_pipeline && self.may_follow(&self.in_flight[0]),
            _ => false,
        };
        if self.waiting.is_empty() || !may_follow {
            return Next::Nothing;
        }
        let present = self.waiting.len() + self.batches_in_flight();
        match present >= self.expected || self.waiting_bytes >= ENTRY_BYTES_TARGET {
            true => Next::Propose,
            false => Next::Gather,
        }
    }

    /// Whether the next entry may be proposed while `entry` is in flight.
    fn may_follow(&self, entry: &EntryInFlight) -> bool {
        entry.is_large || (entry.is_durable && self.waiting_bytes >= PIPELINE_BYTES_MIN)
    }

    fn batches_in_flight(&self) -> usize {
        self.in_flight.iter().map(|entry| entry.batches).sum()
    }

    /// Whether a single client has been writing recently.
    pub(super) fn expects_one(&self) -> bool {
        self.expected <= 1
    }

    /// How many entries are in flight.
    pub(super) fn in_flight(&self) -> usize {
        self.in_flight.len()
    }

    /// The stamp of the oldest entry in flight.
    pub(super) fn oldest_stamp_ms(&self) -> Option<u64> {
        self.in_flight.front().map(|entry| entry.stamp_ms)
    }

    /// Takes the batches of the next entry and stamps it; `None` if no entry can be proposed now.
    pub(super) fn take_entry(&mut self, stamp: impl FnOnce() -> u64) -> Option<Taken> {
        if self.next() == Next::Nothing {
            return None;
        }
        let mut batches = Vec::new();
        let mut bytes = 0;
        while let Some(next) = self.waiting.front()
            && (batches.is_empty() || bytes + next.batch.bytes() <= ENTRY_BYTES_TARGET)
        {
            bytes += next.batch.bytes();
            batches.extend(self.waiting.pop_front());
        }
        assert!(self.waiting_bytes >= bytes, "the bytes of waiting batches are counted");
        self.waiting_bytes -= bytes;
        let stamp_ms = stamp();
        let ticket = batches.last().expect("a batch waits").ticket;
        let is_large = bytes >= LARGE_BYTES_MIN;
        let entry = EntryInFlight { ticket, batches: batches.len(), stamp_ms, is_durable: false, is_large };
        self.in_flight.push_back(entry);
        Some(Taken { ticket, batches, stamp_ms })
    }

    /// Records that this node's log has everything that was proposed on disk.
    pub(super) fn synced(&mut self) {
        self.in_flight.iter_mut().for_each(|entry| entry.is_durable = true);
    }

    /// Records that an entry in flight has ended.
    pub(super) fn finish(&mut self, ticket: u64) {
        let decayed = self.expected - self.expected.div_ceil(EXPECTED_DECAY);
        self.expected = decayed.max(self.batches_in_flight() + self.waiting.len());
        let at = self.in_flight.iter().position(|entry| entry.ticket == ticket);
        self.in_flight.remove(at.expect("an entry that ends was in flight"));
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

    /// The number of batches in the next entry, and its ticket; `None` if there is none.
    fn take(queue: &mut ProposalQueue) -> Option<(usize, u64)> {
        queue.take_entry(|| 1).map(|taken| (taken.batches.len(), taken.ticket))
    }

    #[test]
    fn small_entries_go_one_by_one_and_the_next_expects_all_who_were_there() {
        let mut queue = ProposalQueue::default();
        assert_eq!((queue.next(), take(&mut queue)), (Next::Nothing, None));
        with_more(&mut queue, 1);
        assert_eq!((queue.next(), take(&mut queue)), (Next::Propose, Some((1, 1))));
        with_more(&mut queue, 9);
        assert_eq!((queue.next(), take(&mut queue)), (Next::Nothing, None), "one is in flight");
        queue.synced();
        assert_eq!((queue.next(), take(&mut queue)), (Next::Nothing, None), "these are small");
        queue.finish(1);
        assert_eq!(queue.next(), Next::Gather, "the tenth is missing");
        with_more(&mut queue, 1);
        assert_eq!((queue.next(), take(&mut queue)), (Next::Propose, Some((10, 11))));
        assert_eq!((queue.waiting_bytes, queue.in_flight()), (0, 1));
    }

    #[test]
    fn a_second_entry_follows_one_on_disk_if_it_is_not_small() {
        let mut queue = ProposalQueue { may_pipeline: true, ..ProposalQueue::default() };
        with_more(&mut queue, 2);
        assert_eq!(take(&mut queue), Some((2, 2)));
        with_more(&mut queue, 2);
        queue.waiting_bytes += PIPELINE_BYTES_MIN;
        assert_eq!(queue.next(), Next::Nothing, "the first is not on disk yet");
        queue.synced();
        queue.may_pipeline = false;
        assert_eq!(queue.next(), Next::Nothing, "other nodes have to have it too");
        queue.may_pipeline = true;
        assert_eq!(take(&mut queue), Some((2, 4)));
        queue.waiting_bytes = 0;
        with_more(&mut queue, 1);
        queue.waiting_bytes += PIPELINE_BYTES_MIN;
        queue.synced();
        assert_eq!(queue.next(), Next::Nothing, "two are in flight");
        queue.finish(2);
        assert_eq!((queue.next(), queue.in_flight()), (Next::Gather, 1), "a client of the first is missing");
        with_more(&mut queue, 2);
        assert_eq!((queue.next(), queue.oldest_stamp_ms()), (Next::Propose, Some(1)));
    }

    #[test]
    fn small_writes_do_not_wait_for_the_end_of_a_large_entry() {
        let mut queue = ProposalQueue { may_pipeline: true, ..ProposalQueue::default() };
        with_more(&mut queue, 1);
        queue.waiting[0].batch = large();
        queue.waiting_bytes = queue.waiting[0].batch.bytes();
        assert_eq!(take(&mut queue), Some((1, 1)));
        with_more(&mut queue, 1);
        assert_eq!(take(&mut queue), Some((1, 2)));
        queue.finish(2);
        queue.finish(1);
        assert_eq!(queue.in_flight(), 0, "entries may end in any order");
    }

    /// A batch that makes a large entry.
    fn large() -> Batch {
        set(&"k".repeat(LARGE_BYTES_MIN))
    }

    #[test]
    fn clients_that_left_are_soon_no_longer_expected() {
        let mut queue = ProposalQueue { expected: 50, ..ProposalQueue::default() };
        with_more(&mut queue, 1);
        let mut entries = 0;
        while queue.next() != Next::Propose {
            // No expected batch arrived in time.
            let (batches, ticket) = take(&mut queue).expect("a batch waits");
            assert_eq!(batches, 1);
            queue.finish(ticket);
            with_more(&mut queue, 1);
            entries += 1;
            assert!(entries < 15, "at most one batch is soon expected, not {}", queue.expected);
        }
        assert!(queue.expected <= 1 && queue.expects_one());
        assert!(entries > 5, "late clients are expected for more than 5 entries, not {entries}");
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
