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
use crate::storage::{DataDir, GroupDir};

struct Builder;

/// Keeps the directory and its lock while a test of the suite runs.
struct Guard {
    _data: DataDir,
    _dir: tempfile::TempDir,
}

impl StoreBuilder<TypeConfig, LogStore, StateMachine, Guard> for Builder {
    async fn build(&self) -> Result<(Guard, LogStore, StateMachine), StorageError<TypeConfig>> {
        let dir = tempfile::tempdir().expect("a directory");
        let data = DataDir::open(RealDisk::shared(), dir.path(), 1).expect("an empty directory opens");
        let GroupDir { log, recovered, snapshots } = data.open_group(0).expect("an empty group opens");
        let store = LogStore::new(Arc::new(log), recovered.vote.as_deref(), recovered.committed.as_deref());
        let machine = Machine::new(Arc::new(Keyspace::new()), None);
        let machine = StateMachine::new(machine, None, Arc::new(snapshots), Arc::default());
        Ok((Guard { _data: data, _dir: dir }, store.expect("nothing to decode"), machine))
    }
}

#[tokio::test]
async fn openrafts_suite_passes() {
    Suite::test_all(Builder).await.expect("every test of the suite passes");
}
