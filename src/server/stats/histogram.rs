//! How long calls took, counted in steps that double.
//!
//! Invariant: a call is counted in one step, the first that it does not exceed; the last step has no end.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Histogram from one microsecond to 2^30, some eighteen minutes: nothing that a server waits for takes longer.
const STEPS: usize = 31;

/// Counters by duration; cheap enough for every call.
#[derive(Debug, Default)]
pub struct Histogram([AtomicU64; STEPS]);

impl Histogram {
    pub fn count(&self, spent: Duration) {
        self.0[step_of(spent)].fetch_add(1, Ordering::Relaxed);
    }

    pub fn reset(&self) {
        self.0.iter().for_each(|count| count.store(0, Ordering::Relaxed));
    }

    /// Microseconds, and how many calls took so long at most; rising, and without steps that add nothing.
    pub fn cumulative(&self) -> Vec<(u64, u64)> {
        let mut sum = 0;
        let mut told = Vec::new();
        for (step, count) in self.0.iter().enumerate() {
            let count = count.load(Ordering::Relaxed);
            sum += count;
            if count > 0 {
                told.push((1 << step, sum));
            }
        }
        assert!(told.is_sorted_by(|before, after| before.1 < after.1), "each step adds something");
        told
    }
}

/// The microseconds that so many percent of the calls, told as by [`Histogram::cumulative`], did not exceed.
pub fn percentile(cumulative: &[(u64, u64)], percent: f64) -> u64 {
    let all = cumulative.last().map_or(0, |(_, calls)| *calls);
    let wanted = all as f64 * percent / 100.0;
    cumulative.iter().find(|(_, calls)| *calls as f64 >= wanted).map_or(0, |(micros, _)| *micros)
}

fn step_of(spent: Duration) -> usize {
    // Rounded up: a call of 1001 nanoseconds took more than a microsecond.
    let micros = spent.as_nanos().div_ceil(1000);
    let step = if micros <= 1 { 0 } else { (u128::BITS - (micros - 1).leading_zeros()) as usize };
    step.min(STEPS - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_is_in_the_first_step_that_it_does_not_exceed() {
        let nanos =
            [(0, 0), (1000, 0), (1001, 1), (2000, 1), (2001, 2), (4000, 2), (4001, 3), (1_000_000, 10)];
        for (nanos, step) in nanos {
            assert_eq!(step_of(Duration::from_nanos(nanos)), step, "{nanos}");
        }
        assert_eq!(step_of(Duration::MAX), STEPS - 1);
    }

    #[test]
    fn percentiles_are_the_ends_of_steps() {
        let steps = Histogram::default();
        (0..90).for_each(|_| steps.count(Duration::from_micros(3)));
        (0..10).for_each(|_| steps.count(Duration::from_millis(1)));
        let told = steps.cumulative();
        assert_eq!(told, [(4, 90), (1024, 100)]);
        assert_eq!([50.0, 90.0, 99.0, 100.0].map(|percent| percentile(&told, percent)), [4, 4, 1024, 1024]);
        assert_eq!(percentile(&[], 50.0), 0);
    }
}
