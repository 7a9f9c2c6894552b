//! Latency spikes by event, for `LATENCY`.
//!
//! Invariants:
//! * an event has 1 to [`SAMPLES_MAX`] samples, of different seconds, oldest first;
//! * there are at most as many events as variants of [`Event`].

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use parking_lot::Mutex;

use crate::command::LatencyEvent;

/// Number of samples kept per event, as in Redis.
const SAMPLES_MAX: usize = 160;

/// A kind of work whose latency is monitored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Event {
    /// The execution of a command.
    Command,
    /// The execution of a command that has the flag `fast`.
    FastCommand,
    /// A read barrier.
    ReadBarrier,
    /// A batch of writes, from its arrival to its replies.
    Write,
}

impl Event {
    pub const fn name(self) -> &'static str {
        match self {
            Event::Command => "command",
            Event::FastCommand => "fast-command",
            Event::ReadBarrier => "read-barrier",
            Event::Write => "write",
        }
    }
}

/// The latency spikes recorded lately.
#[derive(Debug, Default)]
pub struct Latency {
    /// The threshold; 0, the default as in Redis, records nothing.
    threshold_ms: AtomicU64,
    events: Mutex<BTreeMap<Event, EventSamples>>,
}

#[derive(Debug, Default)]
struct EventSamples {
    /// The latest samples: Unix time in seconds, and latency in milliseconds.
    latest: VecDeque<(u64, u64)>,
    worst_ms: u64,
}

impl Latency {
    /// Sets the duration from which work is recorded; 0 records nothing.
    pub fn set_threshold_ms(&self, threshold_ms: u64) {
        self.threshold_ms.store(threshold_ms, Ordering::Relaxed);
    }

    pub fn threshold_ms(&self) -> u64 {
        self.threshold_ms.load(Ordering::Relaxed)
    }

    /// Whether work of this duration is recorded.
    pub fn is_long(&self, spent: Duration) -> bool {
        let threshold = self.threshold_ms();
        threshold > 0 && spent.as_millis() >= u128::from(threshold)
    }

    /// Records work that ended at this time. Of several spikes in one second, only the longest is
    /// kept.
    pub fn record(&self, event: Event, unix_seconds: u64, spent: Duration) {
        let ms = u64::try_from(spent.as_millis()).unwrap_or(u64::MAX);
        let mut events = self.events.lock();
        let samples = events.entry(event).or_default();
        samples.worst_ms = samples.worst_ms.max(ms);
        match samples.latest.back_mut() {
            Some((seconds, longest)) if *seconds >= unix_seconds => *longest = ms.max(*longest),
            _ => samples.latest.push_back((unix_seconds, ms)),
        }
        if samples.latest.len() > SAMPLES_MAX {
            samples.latest.pop_front();
        }
        assert!((1..=SAMPLES_MAX).contains(&samples.latest.len()), "an event has 1 to SAMPLES_MAX samples");
    }

    pub fn events(&self) -> Vec<LatencyEvent> {
        let event = |(event, samples): (&Event, &EventSamples)| LatencyEvent {
            name: event.name(),
            samples: samples.latest.iter().copied().collect(),
            worst_ms: samples.worst_ms,
        };
        self.events.lock().iter().map(event).collect()
    }

    /// Removes the events with these names; without names, all events. Returns how many were
    /// removed.
    pub fn reset(&self, names: &[Bytes]) -> usize {
        let mut events = self.events.lock();
        let before = events.len();
        let named = |event: &Event| names.iter().any(|name| &name[..] == event.name().as_bytes());
        events.retain(|event, _| !names.is_empty() && !named(event));
        before - events.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_long_without_a_threshold() {
        let latency = Latency::default();
        assert!(!latency.is_long(Duration::MAX));
        latency.set_threshold_ms(5);
        assert!(latency.is_long(Duration::from_millis(5)) && !latency.is_long(Duration::from_micros(4999)));
    }

    #[test]
    fn a_second_has_one_sample_and_old_ones_are_dropped() {
        let latency = Latency::default();
        for (seconds, ms) in [(1, 5), (1, 9), (1, 7), (2, 6)] {
            latency.record(Event::Command, seconds, Duration::from_millis(ms));
        }
        let events = latency.events();
        assert_eq!(events[0].samples, [(1, 9), (2, 6)]);
        assert_eq!((events[0].name, events[0].worst_ms), ("command", 9));
        (3..400).for_each(|seconds| latency.record(Event::Command, seconds, Duration::from_millis(1)));
        assert_eq!(latency.events()[0].samples.len(), SAMPLES_MAX);
        assert_eq!(latency.events()[0].worst_ms, 9);
    }

    #[test]
    fn events_are_removed_by_name() {
        let latency = Latency::default();
        for event in [Event::Command, Event::Write, Event::ReadBarrier] {
            latency.record(event, 1, Duration::from_millis(1));
        }
        assert_eq!(latency.reset(&[Bytes::from_static(b"write"), Bytes::from_static(b"nosuch")]), 1);
        assert_eq!(latency.reset(&[]), 2);
        assert!(latency.events().is_empty());
    }
}
