//! After the faults have ended, every node accepts a write and answers all final reads, and all
//! nodes have applied the same entries.

use crate::client::{Answer, perform};
use crate::history::{History, Operation, Outcome};
use crate::host::Host;

/// Enough time for several elections, for catching up with the log, for refilling a lost disk, and
/// for the timeouts of connections that died silently.
pub const WITHIN_MS: u64 = 15_000;

/// The number that histories give to the client of the final writes and reads.
const JUDGE: usize = 1_000;

/// Repeats each operation on each node until it succeeds.
pub struct Progress {
    begun_ms: u64,
    attempts: Vec<Attempt>,
}

struct Attempt {
    pending: Option<(usize, u64, Answer)>,
    /// The reads that are still to be done, after the write.
    reads: Vec<(usize, Operation)>,
    wrote: bool,
    last: String,
}

impl Attempt {
    fn is_done(&self) -> bool {
        self.wrote && self.reads.is_empty()
    }
}

impl Progress {
    pub fn new(now_ms: u64, hosts: usize, reads: &[(usize, Operation)]) -> Progress {
        let attempt = || Attempt { pending: None, reads: reads.to_vec(), wrote: false, last: String::new() };
        Progress { begun_ms: now_ms, attempts: (0..hosts).map(|_| attempt()).collect() }
    }

    /// Whether every node has done its write and its reads, and all have applied the same entries.
    ///
    /// # Errors
    /// If that has not happened within [`WITHIN_MS`].
    pub fn step(
        &mut self,
        now_ms: u64,
        hosts: &[Host],
        history: &mut History,
        trace: &mut Vec<String>,
    ) -> Result<bool, String> {
        for (attempt, host) in self.attempts.iter_mut().zip(hosts) {
            attempt.step(host, history, trace);
        }
        let applied: Vec<_> = hosts.iter().map(applied).collect();
        let together = applied[0].is_some() && applied.iter().all(|index| *index == applied[0]);
        if together && self.attempts.iter().all(Attempt::is_done) {
            return Ok(true);
        }
        if now_ms < self.begun_ms + WITHIN_MS {
            return Ok(false);
        }
        let stuck = hosts.iter().zip(&self.attempts).filter(|(_, attempt)| !attempt.is_done());
        let stuck: Vec<_> =
            stuck.map(|(host, attempt)| format!("n{}: {}", host.id(), attempt.last)).collect();
        Err(format!(
            "no progress {WITHIN_MS} ms after the last fault: applied {applied:?}, not done on {stuck:?}"
        ))
    }
}

fn applied(host: &Host) -> Option<u64> {
    host.group().and_then(|(group, _)| group.status().last_applied)
}

impl Attempt {
    fn step(&mut self, host: &Host, history: &mut History, trace: &mut Vec<String>) {
        if self.is_done() {
            return;
        }
        if let Some((event, boot, answer)) = &self.pending {
            let gone = (*boot != host.boots || !host.is_running()).then(|| "the node stopped".to_string());
            let Some(outcome) = answer.lock().take().or(gone.map(Outcome::Unknown)) else { return };
            match (outcome.is_ok(), self.wrote) {
                (true, true) => drop(self.reads.pop()),
                (true, false) => self.wrote = true,
                (false, _) => {}
            }
            let shown = format!("{outcome:?}");
            if !outcome.is_ok() && shown != self.last {
                trace.push(format!("n{} answers after the faults: {shown}", host.id()));
                self.last = shown;
            }
            history.complete(*event, outcome);
            self.pending = None;
            return;
        }
        let (key, operation) = match self.reads.last() {
            Some(read) if self.wrote => read.clone(),
            _ => (0, Operation::Append(history.number())),
        };
        match perform(host, key, operation.clone(), 0) {
            Some(answer) => {
                let event = history.invoke(JUDGE, host.index, key, operation);
                self.pending = Some((event, host.boots, answer));
            }
            None => self.last = "not up".to_string(),
        }
    }
}
