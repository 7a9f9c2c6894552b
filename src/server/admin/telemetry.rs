//! The node's record of its own work, as commands ask for it.

use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;

use super::wait;
use crate::command::{CommandHistogram, Inspect, LatencyEvent, Memory, SlowRequest, called};
use crate::error::CommandError;
use crate::server::state::ServerState;
use crate::server::stats::counters::get;
use futures_util::future::BoxFuture;

impl Inspect for ServerState {
    fn slow_requests(&self, most: usize) -> Vec<SlowRequest> {
        self.stats.slowlog.newest(most)
    }

    fn slow_requests_kept(&self) -> usize {
        self.stats.slowlog.count()
    }

    fn forget_slow_requests(&self) {
        self.stats.slowlog.reset();
    }

    fn latency_threshold_ms(&self) -> u64 {
        self.stats.latency.threshold_ms()
    }

    fn latency_events(&self) -> Vec<LatencyEvent> {
        self.stats.latency.events()
    }

    fn forget_latency_events(&self, names: &[Bytes]) -> usize {
        self.stats.latency.reset(names)
    }

    fn histograms(&self) -> Vec<CommandHistogram> {
        if !self.stats.counters.tracks_latency.load(Ordering::Relaxed) {
            return Vec::new();
        }
        let all = called::all().iter().zip(&self.stats.counters.commands).filter_map(|(called, stats)| {
            let micros = stats.durations.cumulative_by_powers();
            let calls = micros.last()?.1;
            Some(CommandHistogram { command: &called.name, calls, micros })
        });
        all.collect()
    }

    fn memory(&self) -> Memory {
        let resident = self.stats.samples.resident_bytes();
        Memory {
            resident,
            peak: get(&self.stats.samples.peak_bytes),
            startup: self.stats.samples.startup_bytes,
        }
    }

    fn last_save_seconds(&self) -> u64 {
        let age = self.group.snapshot_stats().since_last_good;
        age.map_or(self.started_ms, |age| self.clock.now_ms().saturating_sub(age.as_millis() as u64)) / 1000
    }

    fn save(&self) -> BoxFuture<'_, Result<(), CommandError>> {
        Box::pin(wait::save(self))
    }

    fn replicas_with_all(&self, wanted: u64, patience: Option<Duration>) -> BoxFuture<'_, u64> {
        Box::pin(wait::replicas_with_all(self, wanted, patience))
    }

    fn begin_stop(&self) -> Result<(), CommandError> {
        match self.stops.send_replace(true) {
            false => Ok(()),
            true => Err(CommandError::fixed("ERR the node is stopping already")),
        }
    }

    fn is_stopping(&self) -> bool {
        *self.stops.borrow()
    }
}
