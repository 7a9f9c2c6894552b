//! Checks progress: after the faults have ended, every node accepts a write, and all nodes reach
//! the same state.

use std::sync::Arc;

use parking_lot::Mutex;

use crate::client::perform;
use crate::history::{History, Operation, Outcome};
use crate::host::Host;

/// Time within which progress is expected: enough for several elections, catching up with the log,
/// and timeouts of connections that were cut silently.
pub const WITHIN_MS: u64 = 15_000;

type Answer = Arc<Mutex<Option<Outcome>>>;

/// Sends a write to each node, and repeats it until it succeeds.
pub struct Progress {
    begun_ms: u64,
    attempts: Vec<Attempt>,
}

#[derive(Default)]
struct Attempt {
    pending: Option<(usize, Answer)>,
    succeeded: bool,
    last: String,
}

impl Progress {
    pub fn new(now_ms: u64, hosts: usize) -> Progress {
        Progress { begun_ms: now_ms, attempts: (0..hosts).map(|_| Attempt::default()).collect() }
    }

    /// Returns true once every node has accepted a write and all have applied the same entries.
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
        if together && self.attempts.iter().all(|attempt| attempt.succeeded) {
            return Ok(true);
        }
        if now_ms < self.begun_ms + WITHIN_MS {
            return Ok(false);
        }
        let stuck = hosts.iter().zip(&self.attempts).filter(|(_, attempt)| !attempt.succeeded);
        let stuck: Vec<_> =
            stuck.map(|(host, attempt)| format!("n{}: {}", host.id(), attempt.last)).collect();
        Err(format!(
            "no progress {WITHIN_MS} ms after the last fault: applied {applied:?}, no write on {stuck:?}"
        ))
    }
}

fn applied(host: &Host) -> Option<u64> {
    host.group().and_then(|(group, _)| group.status().last_applied)
}

impl Attempt {
    fn step(&mut self, host: &Host, history: &mut History, trace: &mut Vec<String>) {
        if self.succeeded {
            return;
        }
        if let Some((event, answer)) = &self.pending {
            let Some(outcome) = answer.lock().take() else { return };
            self.succeeded = matches!(outcome, Outcome::Appended(_));
            let shown = format!("{outcome:?}");
            if shown != self.last {
                trace.push(format!("n{} answers a write after the faults: {shown}", host.id()));
                self.last = shown;
            }
            history.complete(*event, outcome);
            self.pending = None;
        } else if let Some((group, keyspace)) = host.group() {
            let operation = Operation::Append(history.number());
            let event = history.invoke(usize::MAX, host.index, 0, operation);
            self.pending = Some((event, perform(host, group, keyspace, 0, operation, 0)));
        } else {
            self.last = "not up".to_string();
        }
    }
}
