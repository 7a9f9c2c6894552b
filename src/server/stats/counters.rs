//! Counters of the server, for `INFO`.
//!
//! Invariants:
//! * counters only grow, except on `CONFIG RESETSTAT`; `connections_open` and `clients_blocked` are
//!   gauges, and the sampler sets the peaks back to 0;
//! * at most [`KINDS_MAX`] error codes are distinguished; further ones are counted only in the
//!   total.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;

use super::histogram::Histogram;
use crate::command::called;
use crate::resp::Reply;

/// The counters of one command.
#[derive(Debug, Default)]
pub struct CommandStats {
    pub calls: AtomicU64,
    pub nanos: AtomicU64,
    /// Calls that were refused before they ran, for example for a wrong arity or an invalid
    /// argument.
    pub rejected: AtomicU64,
    /// Calls that ran and replied with an error.
    pub failed: AtomicU64,
    /// The durations of the calls that were made while `latency-tracking` was on.
    pub durations: Histogram,
}

/// The counters of the server since its start or the last `CONFIG RESETSTAT`.
#[derive(Debug)]
pub struct Counters {
    pub connections_received: AtomicU64,
    pub connections_rejected: AtomicU64,
    pub connections_open: AtomicU64,
    pub commands_processed: AtomicU64,
    pub error_replies: AtomicU64,
    pub protocol_errors: AtomicU64,
    pub input_bytes: AtomicU64,
    pub output_bytes: AtomicU64,
    /// Number of reads from sockets and of writes to them.
    pub reads: AtomicU64,
    pub writes: AtomicU64,
    /// The size of the largest client buffers since the last sample.
    pub input_buffer_peak: AtomicU64,
    pub output_buffer_peak: AtomicU64,
    /// Wrong passwords, and requests that were refused for the rights of their user.
    pub refused_auth: AtomicU64,
    pub refused_commands: AtomicU64,
    pub refused_keys: AtomicU64,
    pub refused_channels: AtomicU64,
    /// Whether the setting `latency-tracking` is on.
    pub tracks_latency: AtomicBool,
    /// Number of clients blocked in a command.
    pub clients_blocked: AtomicU64,
    pub errors: ErrorStats,
    /// Counters for each command, indexed by [`called::place`].
    pub commands: Box<[CommandStats]>,
}

impl Counters {
    pub fn new() -> Counters {
        Counters {
            connections_received: AtomicU64::new(0),
            connections_rejected: AtomicU64::new(0),
            connections_open: AtomicU64::new(0),
            commands_processed: AtomicU64::new(0),
            error_replies: AtomicU64::new(0),
            protocol_errors: AtomicU64::new(0),
            input_bytes: AtomicU64::new(0),
            output_bytes: AtomicU64::new(0),
            reads: AtomicU64::new(0),
            writes: AtomicU64::new(0),
            input_buffer_peak: AtomicU64::new(0),
            output_buffer_peak: AtomicU64::new(0),
            refused_auth: AtomicU64::new(0),
            refused_commands: AtomicU64::new(0),
            refused_keys: AtomicU64::new(0),
            refused_channels: AtomicU64::new(0),
            tracks_latency: AtomicBool::new(true),
            clients_blocked: AtomicU64::new(0),
            errors: ErrorStats::default(),
            commands: called::all().iter().map(|_| CommandStats::default()).collect(),
        }
    }

    /// Records the duration of one call of the command at `place`.
    pub fn record_duration(&self, place: usize, spent: Duration) {
        let command = &self.commands[place];
        add(&command.nanos, u64::try_from(spent.as_nanos()).unwrap_or(u64::MAX));
        if self.tracks_latency.load(Ordering::Relaxed) {
            command.durations.count(spent);
        }
    }

    /// Counts a reply if it is an error.
    pub fn count_error(&self, reply: &Reply) {
        if reply.is_error() {
            add(&self.error_replies, 1);
            self.errors.count(reply);
        }
    }

    /// Raises a peak to `bytes` if `bytes` is larger.
    pub fn raise_peak(peak: &AtomicU64, bytes: usize) {
        if get(peak) < bytes as u64 {
            peak.fetch_max(bytes as u64, Ordering::Relaxed);
        }
    }

    pub fn reset(&self) {
        let counters = [
            &self.connections_received,
            &self.connections_rejected,
            &self.commands_processed,
            &self.error_replies,
            &self.protocol_errors,
            &self.input_bytes,
            &self.output_bytes,
            &self.reads,
            &self.writes,
            &self.refused_auth,
            &self.refused_commands,
            &self.refused_keys,
            &self.refused_channels,
        ];
        counters.into_iter().for_each(|counter| counter.store(0, Ordering::Relaxed));
        self.errors.reset();
        for command in &self.commands {
            for counter in [&command.calls, &command.nanos, &command.rejected, &command.failed] {
                counter.store(0, Ordering::Relaxed);
            }
            command.durations.reset();
        }
    }
}

impl Default for Counters {
    fn default() -> Counters {
        Counters::new()
    }
}

/// Counts a client as blocked until this guard is dropped.
pub struct BlockedClient<'a>(&'a AtomicU64);

impl BlockedClient<'_> {
    pub fn new(counters: &Counters) -> BlockedClient<'_> {
        add(&counters.clients_blocked, 1);
        BlockedClient(&counters.clients_blocked)
    }
}

impl Drop for BlockedClient<'_> {
    fn drop(&mut self) {
        let before = self.0.fetch_sub(1, Ordering::Relaxed);
        assert!(before > 0, "a client that is no longer blocked was counted");
    }
}

/// Adds to a counter.
pub fn add(counter: &AtomicU64, amount: u64) {
    counter.fetch_add(amount, Ordering::Relaxed);
}

/// Reads a counter.
pub fn get(counter: &AtomicU64) -> u64 {
    counter.load(Ordering::Relaxed)
}

/// Maximum number of distinct codes, as in Redis. Commands use about a dozen codes; only requests
/// of clients can produce more.
const KINDS_MAX: usize = 128;

/// Number of error replies for each code, for `INFO errorstats`.
#[derive(Debug, Default)]
pub struct ErrorStats(Mutex<BTreeMap<String, u64>>);

impl ErrorStats {
    /// Counts a reply if it is an error.
    pub fn count(&self, reply: &Reply) {
        let line = match reply {
            Reply::Error(error) => error.line().to_string(),
            Reply::Unavailable(unavailable) => unavailable.to_string(),
            _ => return,
        };
        let code = code_of(&line);
        let mut counts = self.0.lock();
        let room = counts.len() < KINDS_MAX;
        match counts.get_mut(code) {
            Some(count) => *count += 1,
            None if room => drop(counts.insert(code.to_string(), 1)),
            None => {}
        }
    }

    pub fn all(&self) -> Vec<(String, u64)> {
        self.0.lock().iter().map(|(code, count)| (code.clone(), *count)).collect()
    }

    pub fn reset(&self) {
        self.0.lock().clear();
    }
}

/// The code of an error: its first word if that is in capitals, otherwise `ERR`.
fn code_of(line: &str) -> &str {
    let word = line.split(' ').next().unwrap_or_default();
    let is_code = !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_');
    if is_code { word } else { "ERR" }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{CommandError, Unavailable};

    #[test]
    fn errors_are_counted_by_their_codes() {
        let counts = ErrorStats::default();
        counts.count(&Reply::OK);
        counts.count(&Reply::Error(CommandError::SYNTAX));
        counts.count(&Reply::Error(CommandError::WRONG_KIND));
        counts.count(&Reply::Error(CommandError::WRONG_JSON_KIND));
        counts.count(&Reply::Unavailable(Unavailable::Loading));
        let expected = [("ERR", 2), ("LOADING", 1), ("WRONGTYPE", 1)].map(|(code, n)| (code.to_string(), n));
        assert_eq!(counts.all(), expected);
        (0..1000).for_each(|n| {
            let code: String = format!("{n:04}").bytes().map(|digit| (digit + 17) as char).collect();
            counts.count(&Reply::Error(CommandError::new(code)));
        });
        assert_eq!(counts.all().len(), KINDS_MAX);
    }
}
