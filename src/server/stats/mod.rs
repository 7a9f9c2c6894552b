//! Counters and measurements of the server's own work.
//!
//! Counters are atomics that any task updates without a lock, except those of error codes; rates
//! and peaks come from a sampler. This module does not depend on the rest of the server, so every
//! part of the server can use it.
//!
//! | file | owns |
//! |---|---|
//! | `counters` | counters of the server, of each command and of each error code |
//! | `histogram` | durations of calls |
//! | `gauges` | the buffers of one connection |
//! | `sampling` | rates, and peaks of memory and buffers |
//! | `slowlog` | slow requests |
//! | `refusals` | refused requests |
//! | `latency` | latency spikes by event |

pub mod counters;
pub mod gauges;
pub mod histogram;
pub mod latency;
pub mod refusals;
pub mod sampling;
pub mod slowlog;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;

use crate::command::called;
use crate::config::Config;
use crate::env::Clock;

use counters::Counters;
use latency::{Event, Latency};
use refusals::Refusals;
use sampling::Samples;
use slowlog::{Caller, Slowlog};

/// The server's record of its own work.
pub struct Stats {
    clock: Arc<dyn Clock>,
    pub counters: Counters,
    pub samples: Samples,
    pub slowlog: Slowlog,
    pub latency: Latency,
    pub refusals: Refusals,
}

impl Stats {
    pub fn new(clock: Arc<dyn Clock>) -> Stats {
        Stats {
            clock,
            counters: Counters::default(),
            samples: Samples::default(),
            slowlog: Slowlog::default(),
            latency: Latency::default(),
            refusals: Refusals::default(),
        }
    }

    /// Applies the settings that concern statistics.
    pub fn configure(&self, config: &Config) {
        self.slowlog.set_slower_than_micros(config.slowlog_log_slower_than);
        self.slowlog.set_entries_max(config.slowlog_max_len);
        self.refusals.set_records_max(config.acllog_max_len);
        self.latency.set_threshold_ms(config.latency_monitor_threshold);
        self.counters.tracks_latency.store(config.latency_tracking, Ordering::Relaxed);
    }

    /// Records the duration of a command that is counted at `place` of [`called::all`].
    pub fn record_command(&self, place: usize, words: &[Bytes], caller: Caller<'_>, spent: Duration) {
        self.counters.record_duration(place, spent);
        if self.latency.is_long(spent) {
            let event = if called::all()[place].fast { Event::FastCommand } else { Event::Command };
            self.record(event, spent);
        }
        self.keep_if_slow(words, caller, spent);
    }

    /// Records the time from the arrival of a batch of writes to its replies. `words` are those of
    /// the first write.
    pub fn record_writes(&self, words: &[Bytes], caller: Caller<'_>, spent: Duration) {
        self.record(Event::Write, spent);
        self.keep_if_slow(words, caller, spent);
    }

    /// Records the duration of other work, under the event's name.
    pub fn record(&self, event: Event, spent: Duration) {
        if self.latency.is_long(spent) {
            self.latency.record(event, self.clock.now_ms() / 1000, spent);
        }
    }

    fn keep_if_slow(&self, words: &[Bytes], caller: Caller<'_>, spent: Duration) {
        if self.slowlog.is_slow(spent) {
            self.slowlog.keep(words, caller, self.clock.now_ms() / 1000, spent);
        }
    }

    /// Samples rates and memory for as long as it is polled.
    pub async fn sample(&self) {
        sampling::run(&self.counters, &self.samples, &*self.clock).await;
    }
}
