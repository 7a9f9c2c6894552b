//! What a run measured.

use std::cell::RefCell;
use std::fmt::Write;
use std::io;
use std::time::{Duration, Instant};

use crate::replies::Kind;

/// A server that answers nothing for this long hangs: longer than any pause that is to be measured.
const PATIENCE: Duration = Duration::from_secs(60);

/// The samples of a run. Percentiles are exact: every sample is kept, in 4 bytes.
#[derive(Default)]
pub struct Tally {
    /// Microseconds from the moment a request was sent or due until its reply.
    latencies: Vec<u32>,
    /// Microseconds between the moment a batch was due and the moment it was sent; empty for a
    /// closed load.
    late: Vec<u32>,
    errors: u64,
    first_error: Option<String>,
    nulls: u64,
    reply_bytes: u64,
    took: Duration,
}

impl Tally {
    pub fn reply(&mut self, kind: Kind, since: Instant, now: Instant) {
        self.latencies.push(micros(now - since));
        match kind {
            Kind::Value => {}
            Kind::Null => self.nulls += 1,
            Kind::Error(text) => {
                self.errors += 1;
                self.first_error.get_or_insert(text);
            }
        }
    }

    pub fn received(&mut self, bytes: usize) {
        self.reply_bytes += bytes as u64;
    }

    pub fn sent(&mut self, due: Instant, now: Instant) {
        self.late.push(micros(now - due));
    }

    /// Ends the run, which began at this moment.
    pub fn end(&mut self, begun: Instant) {
        self.took = begun.elapsed();
        self.latencies.sort_unstable();
        self.late.sort_unstable();
    }

    #[cfg(test)]
    pub fn latencies(&self) -> &[u32] {
        &self.latencies
    }

    pub fn requests(&self) -> usize {
        self.latencies.len()
    }

    /// One line. Times are in microseconds, except `seconds`, the duration of the run.
    ///
    /// # Panics
    /// If the run has not ended.
    pub fn to_json(&self) -> String {
        assert!(self.took > Duration::ZERO, "a run is reported after its end");
        let seconds = self.took.as_secs_f64();
        let mut line = format!(
            r#"{{"requests":{},"seconds":{seconds:.6},"per_second":{:.1},"errors":{},"nulls":{},"reply_bytes":{}"#,
            self.latencies.len(),
            self.latencies.len() as f64 / seconds,
            self.errors,
            self.nulls,
            self.reply_bytes,
        );
        for (name, samples) in [("us", &self.latencies), ("late_us", &self.late)] {
            let sum: u64 = samples.iter().map(|micros| u64::from(*micros)).sum();
            let mean = sum as f64 / samples.len().max(1) as f64;
            write!(line, r#","{name}":{{"mean":{mean:.1}"#).expect("a String takes everything");
            for (name, part) in [("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("p999", 0.999), ("max", 1.0)] {
                write!(line, r#","{name}":{}"#, percentile(samples, part))
                    .expect("a String takes everything");
            }
            line.push('}');
        }
        if let Some(text) = &self.first_error {
            // Without control characters, quotes and backslashes, no character needs an escape.
            let plain: String = text.chars().filter(|c| !c.is_control() && !"\"\\".contains(*c)).collect();
            write!(line, r#","first_error":"{plain}""#).expect("a String takes everything");
        }
        line.push('}');
        line
    }
}

/// Ends with an error when the server hangs, and never otherwise.
pub async fn watch(tally: &RefCell<Tally>) -> io::Error {
    loop {
        let before = tally.borrow().requests();
        tokio::time::sleep(PATIENCE).await;
        if tally.borrow().requests() == before {
            return io::Error::new(io::ErrorKind::TimedOut, "the server has stopped to answer");
        }
    }
}

/// The smallest of the sorted samples that at least this part of them does not exceed; 0 without
/// samples.
pub fn percentile(sorted: &[u32], part: f64) -> u32 {
    let rank = (sorted.len() as f64 * part).ceil() as usize;
    sorted.get(rank.max(1) - 1).copied().unwrap_or(0)
}

fn micros(time: Duration) -> u32 {
    u32::try_from(time.as_micros()).unwrap_or(u32::MAX)
}
