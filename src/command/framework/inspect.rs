//! What commands may ask of the record that a node keeps of its own work: what was slow, what it
//! holds, what is safe.

use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;

use crate::error::CommandError;

/// A request that took long, as `SLOWLOG GET` tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SlowRequest {
    /// Counts from 0 since the node started, `SLOWLOG RESET` notwithstanding.
    pub id: u64,
    pub unix_seconds: u64,
    pub micros: u64,
    /// The request's words, shortened, and without secrets.
    pub words: Vec<Bytes>,
    /// The client's address, as `host:port`.
    pub address: String,
    /// What the client calls itself.
    pub name: String,
}

/// Moments at which one kind of work took long.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LatencyEvent {
    pub name: &'static str,
    /// Unix seconds and the milliseconds that it took, oldest first; never empty.
    pub samples: Vec<(u64, u64)>,
    /// The longest since the last reset, in milliseconds.
    pub worst_ms: u64,
}

/// How long the calls of a command took.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommandHistogram {
    /// In small letters; `config|get` for a subcommand.
    pub command: &'static str,
    pub calls: u64,
    /// Microseconds, and how many calls took so long at most; rising, and without those that add
    /// nothing.
    pub micros: Vec<(u64, u64)>,
}

/// What the process holds, in bytes as the system counts them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Memory {
    pub resident: u64,
    /// The most that was resident, looked at once a second.
    pub peak: u64,
    /// What was resident when the node had started.
    pub startup: u64,
}

/// The node's record of its work. Implemented by the server; what a node without a server would
/// answer is the default.
pub trait Inspect: Sync {
    /// Slow requests, newest first, so many at most.
    fn slow_requests(&self, _most: usize) -> Vec<SlowRequest> {
        Vec::new()
    }
    fn slow_requests_kept(&self) -> usize {
        0
    }
    fn forget_slow_requests(&self) {}
    /// From how many milliseconds on work is recorded as slow; 0: none is.
    fn latency_threshold_ms(&self) -> u64 {
        0
    }
    /// What was slow, by name.
    fn latency_events(&self) -> Vec<LatencyEvent> {
        Vec::new()
    }
    /// Forgets events of these names, all for no name; how many there were.
    fn forget_latency_events(&self, _names: &[Bytes]) -> usize {
        0
    }
    /// Of every command and subcommand that was called.
    fn histograms(&self) -> Vec<CommandHistogram> {
        Vec::new()
    }
    fn memory(&self) -> Memory {
        Memory::default()
    }
    /// When the last snapshot was complete; without one, when the node started. Unix seconds.
    fn last_save_seconds(&self) -> u64 {
        0
    }
    /// Takes a snapshot, and returns when it is on disk.
    fn save(&self) -> BoxFuture<'_, Result<(), CommandError>> {
        Box::pin(async { Ok(()) })
    }
    /// How many members besides the leader are known to have every write that was acknowledged
    /// before: waits until it is so many, or all there are, or the time is over (`None`: for as
    /// long as it takes).
    fn replicas_with_all(&self, _wanted: u64, _patience: Option<Duration>) -> BoxFuture<'_, u64> {
        Box::pin(async { 0 })
    }
    /// Begins to stop the node; an error when it is stopping already.
    fn begin_stop(&self) -> Result<(), CommandError> {
        Ok(())
    }
    fn is_stopping(&self) -> bool {
        false
    }
}
