//! openraft's own conformance suite for storage, run on ours.

use std::sync::Arc;

use openraft::StorageError;
use openraft::testing::log::{StoreBuilder, Suite};

use super::log_store::LogStore;
use super::state_machine::StateMachine;
use super::types::TypeConfig;
use crate::env::RealDisk;
use crate::keyspace::Keyspace;
use crate::machine::Machine;
use crate::storage::{DataDir, Identity, Log, Options, SnapshotDir};

struct Builder;

/// Keeps the directory and its lock while a test of the suite runs.
struct Guard {
    _data: DataDir,
    _dir: tempfile::TempDir,
}

impl StoreBuilder<TypeConfig, LogStore, StateMachine, Guard> for Builder {
    async fn build(&self) -> Result<(Guard, LogStore, StateMachine), StorageError<TypeConfig>> {
        let dir = tempfile::tempdir().expect("a directory");
        let identity = Identity { node: 1, cluster: "test".to_string() };
        let data = DataDir::open(RealDisk::shared(), dir.path(), identity).expect("a fresh directory opens");
        let disk = data.disk();
        // A segment is written through beforehand, and the suite opens a log for each of its tests.
        let options = Options { segment_bytes: 1 << 20, ..Options::default() };
        let (log, recovered) =
            Log::open(disk.clone(), &data.log_path(0), options).expect("a fresh log opens");
        let snapshots = SnapshotDir::open_dir(disk, &data.snapshots_path(0), 0).expect("no snapshots");
        let store = LogStore::new(Arc::new(log), recovered.vote.as_deref(), recovered.committed.as_deref());
        let machine = Machine::new(Arc::new(Keyspace::new()), None);
        let machine = StateMachine::new(machine, None, snapshots, Arc::default());
        Ok((Guard { _data: data, _dir: dir }, store.expect("nothing to decode"), machine))
    }
}

#[tokio::test]
async fn openrafts_suite_passes() {
    Suite::test_all(Builder).await.expect("every test of the suite passes");
}
