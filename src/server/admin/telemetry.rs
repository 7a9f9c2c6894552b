//! The node's record of its own work, kept while commands run and told when one asks.

use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;

use super::wait;
use crate::command::{CommandHistogram, Inspect, LatencyEvent, Memory, Session, SlowRequest, called};
use crate::env::BoxFuture;
use crate::error::Answer;
use crate::server::state::ServerState;
use crate::server::stats::counters::get;
use crate::server::stats::latency::Event;
use crate::server::stats::slowlog::Caller;

impl ServerState {
    /// Takes note of a command, counted at this place, that ran for so long.
    pub fn observe(&self, place: usize, words: &[Bytes], session: &Session, spent: Duration) {
        self.stats.took(place, spent);
        if self.latency.is_long(spent) {
            let event = if called::all()[place].fast { Event::FastCommand } else { Event::Command };
            self.record(event, spent);
        }
        self.keep_if_slow(words, session, spent);
    }

    /// Takes note of a batch of writes, of which this is the first, that was answered after so long.
    pub fn observe_writes(&self, first: &[Bytes], session: &Session, spent: Duration) {
        self.record(Event::Write, spent);
        self.keep_if_slow(first, session, spent);
    }

    /// Takes note of other work.
    pub fn record(&self, event: Event, spent: Duration) {
        if self.latency.is_long(spent) {
            self.latency.record(event, self.clock.now_ms() / 1000, spent);
        }
    }

    fn keep_if_slow(&self, words: &[Bytes], session: &Session, spent: Duration) {
        if self.slowlog.is_slow(spent) {
            let caller = Caller { address: &session.address, name: &session.name };
            self.slowlog.keep(words, caller, self.clock.now_ms() / 1000, spent);
        }
    }
}

impl Inspect for ServerState {
    fn slow_requests(&self, most: usize) -> Vec<SlowRequest> {
        self.slowlog.newest(most)
    }

    fn slow_requests_kept(&self) -> usize {
        self.slowlog.count()
    }

    fn forget_slow_requests(&self) {
        self.slowlog.reset();
    }

    fn latency_threshold_ms(&self) -> u64 {
        self.latency.threshold_ms()
    }

    fn latency_events(&self) -> Vec<LatencyEvent> {
        self.latency.events()
    }

    fn forget_latency_events(&self, names: &[Bytes]) -> usize {
        self.latency.reset(names)
    }

    fn histograms(&self) -> Vec<CommandHistogram> {
        if !self.stats.tracks_latency.load(Ordering::Relaxed) {
            return Vec::new();
        }
        let all = called::all().iter().zip(&self.stats.commands).filter_map(|(called, stats)| {
            let micros = stats.durations.cumulative();
            let calls = micros.last()?.1;
            Some(CommandHistogram { command: &called.name, calls, micros })
        });
        all.collect()
    }

    fn memory(&self) -> Memory {
        let resident = self.samples.resident_bytes();
        Memory { resident, peak: get(&self.samples.peak_bytes), startup: self.samples.startup_bytes }
    }

    fn last_save_seconds(&self) -> u64 {
        let age = self.group.saves().since_last_good;
        age.map_or(self.started_ms, |age| self.clock.now_ms().saturating_sub(age.as_millis() as u64)) / 1000
    }

    fn save(&self) -> BoxFuture<'_, Result<(), Answer>> {
        Box::pin(wait::save(self))
    }

    fn replicas_with_all(&self, wanted: u64, patience: Option<Duration>) -> BoxFuture<'_, u64> {
        Box::pin(wait::replicas_with_all(self, wanted, patience))
    }

    fn begin_stop(&self) -> Result<(), Answer> {
        match self.stops.send_replace(true) {
            false => Ok(()),
            true => Err(Answer::fixed("ERR the node is stopping already")),
        }
    }

    fn is_stopping(&self) -> bool {
        *self.stops.borrow()
    }
}
