//! A node's records of its own work, as commands see them: slow requests, latency, memory,
//! snapshots, replication.

use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;

use crate::error::CommandError;

/// A slow request, as `SLOWLOG GET` reports it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SlowRequest {
    /// Counts from 0 since the node started; `SLOWLOG RESET` does not restart it.
    pub id: u64,
    pub unix_seconds: u64,
    pub micros: u64,
    /// The request's words, truncated and without secrets.
    pub words: Vec<Bytes>,
    /// The client's address, as `host:port`.
    pub address: String,
    /// The client's name, as `CLIENT SETNAME` set it.
    pub name: String,
}

/// The latency spikes of one kind of work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LatencyEvent {
    pub name: &'static str,
    /// Time in unix seconds and latency in milliseconds, oldest first; never empty.
    pub samples: Vec<(u64, u64)>,
    /// The maximum since the last reset.
    pub worst_ms: u64,
}

/// The latency histogram of a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommandHistogram {
    /// In lower case; `config|get` for a subcommand.
    pub command: &'static str,
    pub calls: u64,
    /// Cumulative buckets: an upper bound in microseconds and the number of calls within it;
    /// rising, without buckets that add no call.
    pub micros: Vec<(u64, u64)>,
}

/// The memory of the process in bytes, as the operating system reports it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Memory {
    pub resident: u64,
    /// The maximum of `resident`, sampled once a second.
    pub peak: u64,
    /// `resident` when the node had started.
    pub startup: u64,
}

/// The node's records of its work. The server implements them; the defaults are those of a node
/// without a server.
pub trait Inspect: Sync {
    /// At most `most` slow requests, newest first.
    fn slow_requests(&self, _most: usize) -> Vec<SlowRequest> {
        Vec::new()
    }
    fn slow_requests_kept(&self) -> usize {
        0
    }
    fn forget_slow_requests(&self) {}
    /// The latency from which work is recorded as slow; 0 disables the record.
    fn latency_threshold_ms(&self) -> u64 {
        0
    }
    /// The latency events, by name.
    fn latency_events(&self) -> Vec<LatencyEvent> {
        Vec::new()
    }
    /// Forgets events of these names, or all if there are none; the number of forgotten events.
    fn forget_latency_events(&self, _names: &[Bytes]) -> usize {
        0
    }
    /// The histograms of all commands and subcommands that were called.
    fn histograms(&self) -> Vec<CommandHistogram> {
        Vec::new()
    }
    fn memory(&self) -> Memory {
        Memory::default()
    }
    /// The unix time of the last complete snapshot, or of the node's start if there is none.
    fn last_save_seconds(&self) -> u64 {
        0
    }
    /// Takes a snapshot and returns once it is on disk.
    fn save(&self) -> BoxFuture<'_, Result<(), CommandError>> {
        Box::pin(async { Ok(()) })
    }
    /// The number of members besides the leader that are known to have every write acknowledged
    /// before this call. Waits until `wanted` or all members have them, or `patience` is over
    /// (`None`: without a timeout).
    fn replicas_with_all(&self, _wanted: u64, _patience: Option<Duration>) -> BoxFuture<'_, u64> {
        Box::pin(async { 0 })
    }
    /// Starts to stop the node; an error when it is stopping already.
    fn begin_stop(&self) -> Result<(), CommandError> {
        Ok(())
    }
    fn is_stopping(&self) -> bool {
        false
    }
}
