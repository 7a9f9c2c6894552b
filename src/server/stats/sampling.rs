//! Computes rates and peaks from regular samples.
//!
//! Invariant: a rate is the mean of the last [`SAMPLES`] samples, so it is 0 when the server has
//! been idle for that time.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;

use super::counters::{Counters, get};
use crate::env::Clock;

/// Interval of the samples; as in Redis, there are ten a second, and rates are computed from
/// sixteen.
const INTERVAL: Duration = Duration::from_millis(100);
const SAMPLES: usize = 16;
/// The interval while all rates are 0, so that an idle server seldom wakes up. The first sample
/// after that is the mean of up to this time.
const IDLE_INTERVAL: Duration = Duration::from_secs(1);
/// Interval at which the memory is read. Each read opens a file of the operating system, and once a
/// second is enough for a peak.
const MEMORY_INTERVAL: Duration = Duration::from_secs(1);
/// Time in seconds for which a large client buffer counts as recent, as in Redis.
const PEAK_SECONDS: usize = 8;

/// Samples and peaks of the server.
#[derive(Debug)]
pub struct Samples {
    pub peak_bytes: AtomicU64,
    /// Resident memory when the node started.
    pub startup_bytes: u64,
    rates: Mutex<Rates>,
    /// The largest input and output buffers of the last seconds, one pair for each second.
    peaks: Mutex<VecDeque<[u64; 2]>>,
}

#[derive(Debug, Default)]
struct Rates {
    /// Number of commands, bytes received and bytes sent at the last sample, and the time of that
    /// sample.
    last: Option<([u64; 3], Duration)>,
    /// The rates per second between the samples.
    per_second: [[f64; 3]; SAMPLES],
    next: usize,
}

/// The server's rates per second.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct PerSecond {
    pub commands: f64,
    pub input_bytes: f64,
    pub output_bytes: f64,
}

impl Default for Samples {
    fn default() -> Samples {
        let startup_bytes = crate::env::resident_bytes().unwrap_or(0);
        Samples {
            peak_bytes: AtomicU64::new(startup_bytes),
            startup_bytes,
            rates: Mutex::default(),
            peaks: Mutex::default(),
        }
    }
}

impl Samples {
    /// Reads the resident memory in bytes, and raises the peak.
    pub fn resident_bytes(&self) -> u64 {
        let resident = crate::env::resident_bytes().unwrap_or(0);
        self.peak_bytes.fetch_max(resident, Ordering::Relaxed);
        resident
    }

    /// The largest input and output buffers of the last seconds.
    pub fn buffer_peaks(&self, counters: &Counters) -> [u64; 2] {
        let now = [get(&counters.input_buffer_peak), get(&counters.output_buffer_peak)];
        let peaks = self.peaks.lock();
        peaks.iter().fold(now, |most, seen| [most[0].max(seen[0]), most[1].max(seen[1])])
    }

    /// Begins the next second of buffer peaks.
    fn rotate_peaks(&self, counters: &Counters) {
        let take = |peak: &AtomicU64| peak.swap(0, Ordering::Relaxed);
        let mut peaks = self.peaks.lock();
        peaks.push_back([take(&counters.input_buffer_peak), take(&counters.output_buffer_peak)]);
        while peaks.len() > PEAK_SECONDS {
            peaks.pop_front();
        }
    }

    pub fn per_second(&self) -> PerSecond {
        let rates = self.rates.lock();
        let mean = |of: usize| rates.per_second.iter().map(|sample| sample[of]).sum::<f64>() / SAMPLES as f64;
        PerSecond { commands: mean(0), input_bytes: mean(1), output_bytes: mean(2) }
    }

    /// Computes the rates since the last sample from these counters.
    fn record(&self, counters: [u64; 3], now: Duration) {
        let mut rates = self.rates.lock();
        if let Some((before, then)) = rates.last {
            let seconds = now.saturating_sub(then).as_secs_f64();
            if seconds <= 0.0 {
                return;
            }
            // A counter may be lower than at the last sample, after CONFIG RESETSTAT.
            let rate = |of: usize| counters[of].saturating_sub(before[of]) as f64 / seconds;
            let next = rates.next;
            rates.per_second[next] = [rate(0), rate(1), rate(2)];
            rates.next = (next + 1) % SAMPLES;
        }
        rates.last = Some((counters, now));
    }
}

/// Takes samples of counters and memory for as long as it is polled.
pub async fn run(counters: &Counters, samples: &Samples, clock: &dyn Clock) {
    let mut since_memory = MEMORY_INTERVAL;
    loop {
        let rates = [&counters.commands_processed, &counters.input_bytes, &counters.output_bytes].map(get);
        samples.record(rates, clock.elapsed());
        if since_memory >= MEMORY_INTERVAL {
            samples.resident_bytes();
            samples.rotate_peaks(counters);
            since_memory = Duration::ZERO;
        }
        let idle = samples.per_second() == PerSecond::default();
        let pause = if idle { IDLE_INTERVAL } else { INTERVAL };
        tokio::time::sleep(pause).await;
        since_memory += pause;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_the_mean_of_the_last_samples_and_decays_to_zero() {
        let samples = Samples::default();
        let at = |look: u64| Duration::from_millis(100 * look);
        (0..=16).for_each(|look| samples.record([look * 50, look * 1000, 0], at(look)));
        let rate = samples.per_second();
        assert!(
            (rate.commands - 500.0).abs() < 1e-6 && (rate.input_bytes - 10_000.0).abs() < 1e-6,
            "{rate:?}"
        );
        assert_eq!(rate.output_bytes, 0.0);
        (17..=33).for_each(|look| samples.record([7, 7, 7], at(look)));
        assert_eq!(samples.per_second(), PerSecond::default());
    }
}
