//! The interface through which commands read a node's records of its own work: slow requests,
//! latency, memory, snapshots, replication.

use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;

use crate::error::CommandError;

/// A slow request, as `SLOWLOG GET` reports it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SlowRequest {
    /// The number of the request, from 0 since the node started; `SLOWLOG RESET` does not reset it.
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

/// What a request was refused for.
#[derive(Clone, Debug)]
pub struct Refusal<'a> {
    /// `command`, `key`, `channel` or `auth`.
    pub reason: &'static str,
    /// Whether the request was in a transaction.
    pub in_transaction: bool,
    /// The command, key or channel.
    pub object: &'a [u8],
    pub user: &'a [u8],
}

/// A refused request, as `ACL LOG` reports it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefusedRequest {
    /// The number of the record, from 0 since the node started.
    pub id: u64,
    /// How many equal requests this record stands for.
    pub count: u64,
    pub reason: &'static str,
    pub context: &'static str,
    pub object: Bytes,
    pub user: Bytes,
    /// The client, as `CLIENT LIST` shows it.
    pub client: String,
    /// The first and the last of the requests, in Unix milliseconds.
    pub created_ms: u64,
    pub updated_ms: u64,
}

/// The latency spikes of one kind of work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LatencyEvent {
    pub name: &'static str,
    /// The spikes, oldest first: Unix time in seconds, and latency in milliseconds. Never empty.
    pub samples: Vec<(u64, u64)>,
    /// The longest latency in milliseconds since the last reset.
    pub worst_ms: u64,
}

/// The latency histogram of a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommandHistogram {
    /// The name in lower case; a subcommand has the form `config|get`.
    pub command: &'static str,
    pub calls: u64,
    /// Cumulative buckets, ascending: an upper bound in microseconds, and the number of calls that
    /// did not exceed it. Buckets without calls are left out.
    pub micros: Vec<(u64, u64)>,
}

/// The memory of the process in bytes, as the operating system reports it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Memory {
    pub resident: u64,
    /// The maximum of `resident`, sampled once a second.
    pub peak: u64,
    /// The value of `resident` when the node had started.
    pub startup: u64,
}

/// A node's records of its work, and the operations on them. The server implements this trait; the
/// defaults are for tests without a server.
pub trait Inspect: Sync {
    /// At most `most` slow requests, newest first.
    fn slow_requests(&self, _most: usize) -> Vec<SlowRequest> {
        Vec::new()
    }
    fn slow_requests_kept(&self) -> usize {
        0
    }
    fn forget_slow_requests(&self) {}
    /// At most `most` refused requests, the latest first.
    fn refusals(&self, _most: usize) -> Vec<RefusedRequest> {
        Vec::new()
    }
    fn forget_refusals(&self) {}
    /// The latency from which work is recorded; 0 records nothing.
    fn latency_threshold_ms(&self) -> u64 {
        0
    }
    /// The latency events that have samples.
    fn latency_events(&self) -> Vec<LatencyEvent> {
        Vec::new()
    }
    /// Removes the events with these names; without names, all of them. Returns how many were
    /// removed.
    fn forget_latency_events(&self, _names: &[Bytes]) -> usize {
        0
    }
    /// The histograms of all commands and subcommands that were called; none if latency is not
    /// tracked.
    fn histograms(&self) -> Vec<CommandHistogram> {
        Vec::new()
    }
    fn memory(&self) -> Memory {
        Memory::default()
    }
    /// The Unix time of the last complete snapshot; if there is none, of the node's start.
    fn last_save_seconds(&self) -> u64 {
        0
    }
    /// Takes a snapshot and returns once it is on disk.
    fn save(&self) -> BoxFuture<'_, Result<(), CommandError>> {
        Box::pin(async { Ok(()) })
    }
    /// Waits until `wanted` members besides the leader, or all of them, are known to have every
    /// write acknowledged before this call. Waits no longer than `patience` (`None`: no limit), and
    /// only while this node leads and is not stopping. Returns how many members are known to have
    /// these writes.
    fn replicas_with_all(&self, _wanted: u64, _patience: Option<Duration>) -> BoxFuture<'_, u64> {
        Box::pin(async { 0 })
    }
    /// Begins to stop the node; returns an error if it is stopping already.
    fn begin_stop(&self) -> Result<(), CommandError> {
        Ok(())
    }
    fn is_stopping(&self) -> bool {
        false
    }
}
