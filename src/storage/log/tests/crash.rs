//! Power cuts at any moment: acknowledged operations survive, and of the others a prefix of the
//! requested ones does.
//!
//! One seed chooses the operations, the moment of each cut and the unsynced bytes that survive it
//! (only the timing of the log's two threads is not seeded). `JSONVAULT_CASES` sets the number of
//! seeds.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;
use crate::random::Random;
use crate::storage::log::LogPosition;

/// The expected content of a log. The vote is kept elsewhere, because it may overtake entries that
/// wait for a segment.
#[derive(Clone, Debug, Default, PartialEq)]
struct Model {
    entries: BTreeMap<u64, Entry>,
    purged: Option<LogPosition>,
    last: Option<LogPosition>,
}

impl Model {
    fn of(log: &Log, recovered: &Recovered) -> Model {
        let entries = read_all(log).into_iter().map(|entry| (entry.index, entry)).collect();
        Model { entries, purged: recovered.purged, last: recovered.last }
    }

    fn append(&mut self, entry: Entry) {
        self.last = Some((entry.index, entry.term));
        self.entries.insert(entry.index, entry);
    }

    fn truncate_after(&mut self, last: u64) {
        self.entries.split_off(&(last + 1));
        self.last = self.entries.get(&last).map(|entry| (entry.index, entry.term)).or(self.purged);
    }

    fn purge(&mut self, position: LogPosition) {
        self.purged = Some(position);
        self.entries = self.entries.split_off(&(position.0 + 1));
        self.last = self.last.max(self.purged);
    }
}

/// The states of the log since it was opened. All states up to `acknowledged` are certainly
/// durable.
struct History {
    states: Vec<Model>,
    acknowledged: Arc<AtomicUsize>,
    /// Receivers for the outcomes of appends that were not waited for.
    pending: Vec<Receiver<bool>>,
    /// The last vote known to be durable, and the votes requested since.
    votes: Vec<Option<Vec<u8>>>,
    committed: u64,
}

impl History {
    fn now(&self) -> &Model {
        self.states.last().unwrap()
    }

    fn change(&mut self, change: impl FnOnce(&mut Model)) {
        let mut next = self.now().clone();
        change(&mut next);
        self.states.push(next);
    }

    /// If `durable` is true, records that the last state is durable.
    fn acknowledge(&self, durable: bool) -> bool {
        if durable {
            self.acknowledged.fetch_max(self.states.len() - 1, Ordering::SeqCst);
        }
        durable
    }

    /// Performs one random operation; `false` once the log has failed.
    fn step(&mut self, log: &Log, random: &mut Random) -> bool {
        match random.below(12) {
            0 => self.vote(log, random),
            1 => self.truncate(log, random),
            2 => self.purge(log, random),
            3 => {
                if let Some((last, _)) = self.now().last {
                    self.committed = last;
                    log.save_committed(&last.to_le_bytes());
                }
                true
            }
            _ => self.append(log, random),
        }
    }

    fn vote(&mut self, log: &Log, random: &mut Random) -> bool {
        let vote = random.next_u64().to_le_bytes().to_vec();
        self.votes.push(Some(vote.clone()));
        let done = self.blocking(log, |log| log.save_vote(&vote));
        if done {
            self.votes.drain(..self.votes.len() - 1);
        }
        done
    }

    /// Waits for all appends; `false` if one failed or timed out.
    fn settle(&mut self) -> bool {
        let within = Duration::from_millis(20);
        self.pending.drain(..).all(|outcome| outcome.recv_timeout(within).unwrap_or(false))
    }

    fn append(&mut self, log: &Log, random: &mut Random) -> bool {
        let (mut index, mut term) = self.now().last.unwrap_or((0, 1));
        term += u64::from(random.one_in(10));
        let mut entries = Vec::new();
        for _ in 0..=random.below(6) {
            index += 1;
            let bytes = if random.one_in(60) { 6000 } else { random.below(400) as usize };
            entries.push(entry_of(index, term, bytes));
        }
        for entry in &entries {
            self.change(|model| model.append(entry.clone()));
        }
        let (acknowledged, state) = (self.acknowledged.clone(), self.states.len() - 1);
        let (sender, receiver) = channel();
        log.append(entries, move |result| {
            if result.is_ok() {
                acknowledged.fetch_max(state, Ordering::SeqCst);
            }
            let _ = sender.send(result.is_ok());
        });
        // Not waiting lets appends pile up in the queue. With the power off, a segment may never
        // become available, so waiting could take forever.
        self.pending.push(receiver);
        !random.one_in(3) || self.settle()
    }

    fn truncate(&mut self, log: &Log, random: &mut Random) -> bool {
        let Some((last, _)) = self.now().last else { return true };
        let floor = self.committed.max(self.now().purged.map_or(0, |(index, _)| index));
        let to = last.saturating_sub(random.below(8)).max(floor);
        if to >= last
            || (!self.now().entries.contains_key(&to) && self.now().purged.is_none_or(|p| p.0 != to))
        {
            return true;
        }
        self.change(|model| model.truncate_after(to));
        self.acknowledge(self.blocking(log, move |log| log.truncate_after(Some(to))))
    }

    fn purge(&mut self, log: &Log, random: &mut Random) -> bool {
        let Some((last, term)) = self.now().last else { return true };
        let beyond = random.one_in(8);
        let position = if beyond {
            (last + random.below(5), term)
        } else {
            let index = last.saturating_sub(random.below(20));
            let Some(entry) = self.now().entries.get(&index) else { return true };
            (index, entry.term)
        };
        if self.now().purged.is_some_and(|(purged, _)| position.0 <= purged) {
            return true;
        }
        // A purge may also overtake entries; the states would then no longer form one sequence.
        if !self.settle() {
            return false;
        }
        self.committed = self.committed.max(position.0);
        self.change(|model| model.purge(position));
        self.acknowledge(self.blocking(log, move |log| log.purge_up_to(position.0, position.1)))
    }

    /// Runs a call that may wait for room. With the power off it would wait forever, so the log is
    /// closed to end it.
    fn blocking(&self, log: &Log, call: impl FnOnce(&Log) -> Result<(), Fatal> + Send) -> bool {
        std::thread::scope(|scope| {
            let calling = scope.spawn(|| call(log));
            for _ in 0..200 {
                if calling.is_finished() {
                    return calling.join().unwrap().is_ok();
                }
                std::thread::sleep(Duration::from_micros(100));
            }
            let _ = log.close();
            calling.join().unwrap().is_ok()
        })
    }

    /// Checks the state found after a power cut, and continues from there.
    fn check(&mut self, found: Model, recovered: &Recovered, context: &str) {
        let sure = self.acknowledged.load(Ordering::SeqCst);
        let possible = &self.states[sure..];
        assert!(
            possible.contains(&found),
            "{context}: found up to {:?} (purged {:?}), acknowledged {:?}, asked for {:?}; equal to state {:?}, sure {sure}",
            found.last,
            found.purged,
            self.states[sure].last,
            self.now().last,
            self.states.iter().position(|state| *state == found),
        );
        if let Some(committed) = &recovered.committed {
            let committed = u64::from_le_bytes(committed.as_slice().try_into().unwrap());
            assert!(
                found.last.is_some_and(|(last, _)| committed <= last),
                "{context}: commits ahead of entries"
            );
            self.committed = committed;
        }
        assert!(self.votes.contains(&recovered.vote), "{context}: an acknowledged vote was forgotten");
        self.states = vec![found];
        self.votes = vec![recovered.vote.clone()];
        self.acknowledged = Arc::default();
        self.pending.clear();
    }
}

fn run(seed: u64) {
    let mut random = Random::seeded(seed);
    let disk = SimDisk::new();
    let mut history = History {
        states: vec![Model::default()],
        acknowledged: Arc::default(),
        pending: Vec::new(),
        votes: vec![None],
        committed: 0,
    };
    // Segments of several blocks, once reused, have old records behind their end.
    let segment_bytes = SEGMENT_BYTES_MIN << random.below(3);
    for round in 0..4 {
        let context = format!("seed {seed}, round {round}");
        let marked = Duration::from_millis(1 + random.below(3) * 300);
        let options = Options { marker_after: marked, segment_bytes, ..options() };
        let (log, recovered) = Log::open(disk.shared(), Path::new(DIR), options)
            .unwrap_or_else(|error| panic!("{context}: {error}"));
        history.check(Model::of(&log, &recovered), &recovered, &context);
        log.set_inline(random.one_in(2));
        disk.cut_power_after(random.below(200));
        for _ in 0..120 {
            if !history.step(&log, &mut random) {
                break;
            }
        }
        disk.cut_power_after(0);
        drop(log);
        disk.reboot(random.next_u64());
    }
}

#[test]
fn acknowledged_operations_survive_power_cuts() {
    let cases = std::env::var("JSONVAULT_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(60);
    (0..cases).for_each(run);
}
