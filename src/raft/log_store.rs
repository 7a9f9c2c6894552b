//! The log on disk behind openraft's storage interface.
//!
//! Invariant: what is reported to openraft as durable is on disk. [`crate::storage::Log`] upholds
//! it; this module only translates.

use std::fmt::Debug;
use std::io;
use std::ops::{Bound, RangeBounds};
use std::sync::Arc;

use openraft::storage::{IOFlushed, RaftLogStorage};
use openraft::{LogState, RaftLogReader};
use parking_lot::Mutex;
use tokio::sync::Notify;

use super::codec;
use super::types::{Entry, LogId, TypeConfig, Vote};
use crate::error::Fatal;
use crate::storage::log::{self, Log};

/// Maximum size of a limited read, which returns at least one entry of any size. It is limited
/// because an append to a follower, or a batch of entries to apply, is held in memory.
const READ_BYTES_MAX: usize = 8 << 20;

/// A handle on the log; clones share it.
#[derive(Clone)]
pub struct LogStore {
    log: Arc<Log>,
    /// The log's records of the vote and the commit index, decoded.
    state: Arc<Mutex<HardState>>,
    /// Notified once an append is on disk, or has failed.
    pub(super) synced: Arc<Notify>,
}

struct HardState {
    vote: Option<Vote>,
    committed: Option<LogId>,
}

impl LogStore {
    /// Wraps an opened log, with the vote and the commit record that were recovered with it.
    pub fn new(
        log: Arc<Log>,
        vote: Option<&[u8]>,
        committed: Option<&[u8]>,
    ) -> Result<LogStore, codec::Unreadable> {
        let state = HardState {
            vote: vote.map(codec::decode_vote).transpose()?,
            committed: committed.map(codec::decode_log_id).transpose()?,
        };
        Ok(LogStore { log, state: Arc::new(Mutex::new(state)), synced: Arc::default() })
    }

    /// Runs blocking disk work on a background thread: a slow disk must not delay other tasks of
    /// the runtime.
    async fn wait_for_disk(
        &self,
        work: impl FnOnce(&Log) -> Result<(), Fatal> + Send + 'static,
    ) -> Result<(), io::Error> {
        let log = self.log.clone();
        self.log.background().run(move || work(&log)).await?.map_err(io::Error::other)
    }
}

/// Converts `range` to a half-open range.
fn bounds(range: impl RangeBounds<u64>) -> (u64, u64) {
    let first = match range.start_bound() {
        Bound::Included(&first) => first,
        Bound::Excluded(&before) => before + 1,
        Bound::Unbounded => 0,
    };
    let end = match range.end_bound() {
        Bound::Included(&last) => last + 1,
        Bound::Excluded(&end) => end,
        Bound::Unbounded => u64::MAX,
    };
    (first, end)
}

fn decode(entries: Vec<log::Entry>) -> Result<Vec<Entry>, io::Error> {
    entries
        .into_iter()
        .map(|entry| codec::decode_entry(entry.index, entry.term, entry.payload).map_err(io::Error::other))
        .collect()
}

impl RaftLogReader<TypeConfig> for LogStore {
    async fn try_get_log_entries<R: RangeBounds<u64> + Clone + Debug + Send>(
        &mut self,
        range: R,
    ) -> Result<Vec<Entry>, io::Error> {
        let (first, end) = bounds(range);
        decode(self.log.read(first..end, usize::MAX).map_err(io::Error::other)?)
    }

    async fn limited_get_log_entries(&mut self, first: u64, end: u64) -> Result<Vec<Entry>, io::Error> {
        let entries = decode(self.log.read(first..end, READ_BYTES_MAX).map_err(io::Error::other)?)?;
        assert!(!entries.is_empty() || first >= end, "a read returns at least the first entry of a range");
        Ok(entries)
    }

    async fn read_vote(&mut self) -> Result<Option<Vote>, io::Error> {
        Ok(self.state.lock().vote)
    }
}

impl RaftLogStorage<TypeConfig> for LogStore {
    type LogReader = LogStore;

    async fn get_log_state(&mut self) -> Result<LogState<TypeConfig>, io::Error> {
        Ok(codec::log_state(self.log.purged(), self.log.last()))
    }

    async fn get_log_reader(&mut self) -> LogStore {
        self.clone()
    }

    async fn save_vote(&mut self, vote: &Vote) -> Result<(), io::Error> {
        let encoded = codec::encode_vote(vote);
        self.wait_for_disk(move |log| log.save_vote(&encoded)).await?;
        self.state.lock().vote = Some(*vote);
        Ok(())
    }

    async fn save_committed(&mut self, committed: Option<LogId>) -> Result<(), io::Error> {
        if let Some(id) = &committed {
            self.log.save_committed(&codec::encode_log_id(id));
        }
        self.state.lock().committed = committed;
        Ok(())
    }

    async fn read_committed(&mut self) -> Result<Option<LogId>, io::Error> {
        Ok(self.state.lock().committed)
    }

    async fn append<I>(&mut self, entries: I, callback: IOFlushed<TypeConfig>) -> Result<(), io::Error>
    where
        I: IntoIterator<Item = Entry> + Send,
        I::IntoIter: Send,
    {
        let record = |entry: Entry| {
            let (index, term) = codec::pair(&entry.log_id);
            log::Entry { index, term, payload: codec::encode_payload(&entry.payload) }
        };
        let records: Vec<log::Entry> = entries.into_iter().map(record).collect();
        let synced = self.synced.clone();
        self.log.append(records, move |written| {
            callback.io_completed(written.map_err(io::Error::other));
            synced.notify_one();
        });
        Ok(())
    }

    async fn truncate_after(&mut self, last: Option<LogId>) -> Result<(), io::Error> {
        self.wait_for_disk(move |log| log.truncate_after(last.map(|id| id.index()))).await
    }

    async fn purge(&mut self, upto: LogId) -> Result<(), io::Error> {
        let (index, term) = codec::pair(&upto);
        self.wait_for_disk(move |log| log.purge_up_to(index, term)).await
    }
}
