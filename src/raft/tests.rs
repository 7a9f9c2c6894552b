//! Runs openraft's conformance suite for storage against this implementation.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use openraft::StorageError;
use openraft::testing::log::{StoreBuilder, Suite};

use bytes::Bytes;

use super::log_store::LogStore;
use super::state_machine::StateMachine;
use super::types::TypeConfig;
use crate::command::{Context, SeedSource, table};
use crate::env::{Background, Disk, RealNet};
use crate::keyspace::Keyspace;
use crate::machine::{Batch, Machine};
use crate::peer::Endpoint;
use crate::resp::Protocol;
use crate::storage::{DataDir, Identity, Log, Options, SnapshotDir};
use crate::testkit::SimDisk;

/// Builds stores on one shared disk, because the suite passes a snapshot from one store to another.
struct Builder {
    disk: Arc<dyn Disk>,
    built: AtomicU64,
}

impl StoreBuilder<TypeConfig, LogStore, StateMachine, DataDir> for Builder {
    async fn build(&self) -> Result<(DataDir, LogStore, StateMachine), StorageError<TypeConfig>> {
        let identity = Identity { node: 1, cluster: "test".to_string(), incarnation: 1 };
        let disk = self.disk.clone();
        let path = format!("/data-{}", self.built.fetch_add(1, Ordering::Relaxed));
        let data =
            DataDir::open(disk.clone(), Path::new(&path), identity.clone()).expect("a fresh directory opens");
        // Small, because a log preallocates its segment and the suite opens a log for each of its
        // tests.
        let options = Options { segment_bytes: 1 << 16, ..Options::default() };
        let (log, recovered) =
            Log::open(disk.clone(), &data.log_path(0), options).expect("a fresh log opens");
        let snapshots =
            SnapshotDir::open_dir(disk, &data.snapshots_path(0), 0).expect("a fresh directory opens");
        let store = LogStore::new(Arc::new(log), recovered.vote.as_deref(), recovered.committed.as_deref());
        let machine = Machine::new(Arc::new(Keyspace::new()), None);
        let endpoint = Endpoint::new(identity, 0, RealNet::shared());
        let (endpoint, background) = (Arc::new(endpoint), Background::Threads);
        let machine = StateMachine::new(machine, None, snapshots, Arc::default(), endpoint, background);
        Ok((data, store.expect("nothing to decode"), machine))
    }
}

#[tokio::test]
async fn openrafts_suite_passes() {
    let builder = Builder { disk: SimDisk::new().shared(), built: AtomicU64::new(0) };
    Suite::test_all(builder).await.expect("every test of the suite passes");
}

/// A batch that sets one key.
pub(crate) fn set(key: &str) -> Batch {
    let row = table::find(b"SET").expect("the table has the command");
    let words = [key, "value"].map(|word| Bytes::copy_from_slice(word.as_bytes()));
    let context =
        Context { protocol: Protocol::Resp2, now_ms: 1, document_bytes_max: 0, seed: SeedSource::Fixed(0) };
    let mut batch = Batch::new();
    batch.push(row, &words, &context).expect("the command is well formed");
    batch
}
