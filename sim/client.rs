//! Clients: each performs one operation at a time, on a random node, and records it in the history.

use std::sync::Arc;

use jsonvault::random::Random;
use parking_lot::Mutex;

use crate::history::{History, Operation, Outcome};
use crate::host::Host;
use crate::workloads::{self, Workload};

/// A client waits for at least this time and at most twice as long; sometimes it gives up before
/// the node does.
const PATIENCE_MS: u64 = 4_000;
/// The largest value written beside an append, so that segments fill and logs grow.
const FILLER_BYTES_MAX: u64 = 3_000;

pub type Answer = Arc<Mutex<Option<Outcome>>>;

struct Pending {
    event: usize,
    host: usize,
    boot: u64,
    answer: Answer,
    give_up_ms: u64,
}

pub struct Client {
    id: usize,
    random: Random,
    pending: Option<Pending>,
    next_ms: u64,
    pause_ms: u64,
}

impl Client {
    pub fn new(id: usize, mut random: Random) -> Client {
        let pause_ms = [2, 10, 60][random.below(3) as usize];
        Client { id, random, pending: None, next_ms: 0, pause_ms }
    }

    /// Takes an arrived answer, and invokes the next operation when it is due and clients need not
    /// be quiet. Adds lines to the trace.
    pub fn step(
        &mut self,
        now_ms: u64,
        quiet: bool,
        hosts: &[Host],
        work: &[Box<dyn Workload + Sync>],
        history: &mut History,
        trace: &mut Vec<String>,
    ) {
        if let Some(pending) = &self.pending {
            let Some(outcome) = outcome(pending, now_ms, hosts) else { return };
            let shown = match &outcome {
                Outcome::List(list) => format!("{} numbers", list.len()),
                other => format!("{other:?}"),
            };
            trace.push(format!("c{} {:?}: {shown}", self.id, history.events[pending.event].operation));
            history.complete(pending.event, outcome);
            self.pending = None;
            self.next_ms = now_ms + self.random.below(self.pause_ms);
        }
        if self.pending.is_none() && !quiet && now_ms >= self.next_ms {
            let host = self.random.below(hosts.len() as u64) as usize;
            let workload = &work[self.random.below(work.len() as u64) as usize];
            let (key, operation) = workload.next(&mut self.random, history);
            self.ask(now_ms, &hosts[host], key, operation, history, trace);
        }
    }

    fn ask(
        &mut self,
        now_ms: u64,
        host: &Host,
        key: usize,
        operation: Operation,
        history: &mut History,
        trace: &mut Vec<String>,
    ) {
        let filler = if self.random.one_in(3) { self.random.below(FILLER_BYTES_MAX) as usize } else { 0 };
        let shown = format!("c{} sends n{} {operation:?} k{key} filler {filler}", self.id, host.id());
        let Some(answer) = perform(host, key, operation.clone(), filler) else {
            // The node is down, or has not started yet.
            self.next_ms = now_ms + 1 + self.random.below(20);
            return;
        };
        let event = history.invoke(self.id, host.index, key, operation);
        trace.push(shown);
        let give_up_ms = now_ms + PATIENCE_MS + self.random.below(PATIENCE_MS);
        self.pending = Some(Pending { event, host: host.index, boot: host.boots, answer, give_up_ms });
    }
}

fn outcome(pending: &Pending, now_ms: u64, hosts: &[Host]) -> Option<Outcome> {
    if let Some(outcome) = pending.answer.lock().take() {
        return Some(outcome);
    }
    let host = &hosts[pending.host];
    if !host.is_running() || host.boots != pending.boot {
        return Some(Outcome::Unknown("the node crashed".to_string()));
    }
    (now_ms >= pending.give_up_ms).then(|| Outcome::Unknown("no answer in time".to_string()))
}

/// Begins an operation on a node. Returns the slot for its answer; `None` if the node is not up.
pub fn perform(host: &Host, key: usize, operation: Operation, filler: usize) -> Option<Answer> {
    let node = host.node()?;
    let answer = Answer::default();
    let slot = answer.clone();
    let work = workloads::perform(node, key, operation, filler);
    host.spawn(async move {
        let outcome = work.await;
        *slot.lock() = Some(outcome);
    });
    Some(answer)
}
