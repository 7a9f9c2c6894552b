//! A group whose disk fails: the replies to its clients, the end of the node, and the state after a
//! restart.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::timeout;

use crate::cluster::{Bootstrap, Group, Options};
use crate::command::ReadConsistency;
use crate::env::{Acceptor, Background, Net, RealNet, SystemClock};
use crate::error::{Fatal, Unavailable};
use crate::keyspace::{Keyspace, Scope};
use crate::peer::Member;
use crate::peer::{Change, ChangeRefused};
use crate::raft::ReplicaOptions;
use crate::raft::tests::set;
use crate::resp::Reply;
use crate::storage::{DataDir, Identity, log};
use crate::testkit::{Op, SimDisk};

/// Far more than any step here takes, and less than the deadline of a write. A step that takes this
/// long waits for a task that never ends.
const PATIENCE: Duration = Duration::from_secs(4);

pub(crate) struct TestNode {
    pub(crate) group: Group,
    keyspace: Arc<Keyspace>,
    _data: DataDir,
}

pub(crate) async fn started(disk: &SimDisk) -> Result<TestNode, Fatal> {
    let acceptor = RealNet.bind("127.0.0.1:0").await.expect("a port is free");
    started_at(disk, acceptor).await
}

/// Starts a node at this port, which is also the address in its membership.
pub(crate) async fn started_at(disk: &SimDisk, acceptor: Box<dyn Acceptor>) -> Result<TestNode, Fatal> {
    let own = Member { raft_address: acceptor.address().to_string(), ..Member::default() };
    let identity = Identity { node: 1, cluster: "test".to_string(), incarnation: 1 };
    let data = DataDir::open(disk.shared(), Path::new("/data"), identity)?;
    let keyspace = Arc::new(Keyspace::new());
    let options = Options {
        bootstrap: Bootstrap::InitialMembers(BTreeMap::from([(1, own.clone())])),
        own,
        sink: Arc::new(()),
        acceptor,
        net: RealNet::shared(),
        supported: crate::version::Versions::PROGRAM,
        auto_finalize: true,
        replica: ReplicaOptions {
            forget_others: None,
            clock: Arc::new(SystemClock::new()),
            keyspace: keyspace.clone(),
            snapshot_log_bytes: u64::MAX,
            snapshot_log_entries: u64::MAX,
            log: log::Options { segment_bytes: 1 << 20, ..log::Options::default() },
            background: Background::Threads,
        },
    };
    let group = Group::start(&data, options).await?;
    group.wait_until_loaded().await?;
    Ok(TestNode { group, keyspace, _data: data })
}

/// Sets many keys concurrently. Returns the acknowledged keys, and the errors of the others.
async fn set_all(node: &TestNode, keys: &[String]) -> (Vec<String>, Vec<Unavailable>) {
    let asked: Vec<_> = keys
        .iter()
        .map(|key| {
            let (group, key) = (node.group.clone(), key.clone());
            tokio::spawn(async move { (timeout(PATIENCE, group.propose(set(&key))).await, key) })
        })
        .collect();
    let (mut acknowledged, mut errors) = (Vec::new(), Vec::new());
    for asked in asked {
        match asked.await.expect("no task panics") {
            (Ok(Ok(done)), key) => {
                assert_eq!(done.replies, [Reply::OK]);
                acknowledged.push(key);
            }
            (Ok(Err(unavailable)), _) => errors.push(unavailable),
            (Err(_), key) => panic!("{key} was never answered"),
        }
    }
    (acknowledged, errors)
}

fn keys(prefix: &str, count: usize) -> Vec<String> {
    (0..count).map(|number| format!("{prefix}:{number}")).collect()
}

/// Makes the next 1000 syncs fail, far more than a test makes.
fn break_syncs(disk: &SimDisk) {
    (0..1000).for_each(|_| disk.fail(Op::Sync, 0, io::ErrorKind::Other));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failed_sync_answers_all_clients_ends_the_node_and_loses_nothing() {
    for seed in 0..5 {
        let disk = SimDisk::new();
        let node = started(&disk).await.expect("a fresh node starts");
        let (acknowledged, errors) = set_all(&node, &keys("before", 100)).await;
        assert_eq!((acknowledged.len(), errors.len()), (100, 0));

        break_syncs(&disk);
        let (late, errors) = set_all(&node, &keys("after", 100)).await;
        assert_eq!(late, [] as [String; 0], "no write is acknowledged without a sync");
        assert!(errors.contains(&Unavailable::Uncertain), "{errors:?}");
        // Writes that arrived after the log failed or consensus stopped were refused before they
        // were proposed.
        let refused = [Unavailable::Uncertain, Unavailable::ShuttingDown, Unavailable::NoLeader];
        assert!(errors.iter().all(|error| refused.contains(error)), "{errors:?}");

        let fatal = timeout(PATIENCE, node.group.failed()).await.expect("the node ends");
        assert!(matches!(&fatal, Fatal::Disk { path, .. } if path.starts_with("/data")), "{fatal}");
        assert_eq!(node.group.proposer().load(), (0, 0), "nothing waits, and nothing is in flight");
        assert!(matches!(node.group.shutdown().await, Err(Fatal::Disk { .. })), "the shutdown was not clean");
        drop(node);

        disk.reboot(seed);
        let node = started(&disk).await.expect("a node starts after a crash");
        let view = node.keyspace.view(Scope::ManyKeys, 1);
        assert!(acknowledged.iter().all(|key| view.exists(key.as_bytes())), "seed {seed}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_is_no_member_gets_no_vote_by_asking_for_it() {
    let node = started(&SimDisk::new()).await.expect("a fresh node starts");
    for (id, incarnation) in [(2, 1), (1, 2)] {
        let claimed = node.group.change(Change::Claim { id, incarnation }).await;
        assert_eq!(claimed, Err(ChangeRefused::Impossible(format!("node {id} is not a member"))));
    }
    assert_eq!(node.group.change(Change::Claim { id: 1, incarnation: 1 }).await, Ok(()));
    assert_eq!(node.group.status().cluster_size, 1);
    node.group.shutdown().await.expect("the node stops cleanly");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failed_last_sync_makes_the_shutdown_unclean() {
    let disk = SimDisk::new();
    let node = started(&disk).await.expect("a fresh node starts");
    assert_eq!(set_all(&node, &keys("before", 10)).await.0.len(), 10);
    break_syncs(&disk);
    let ended = timeout(PATIENCE, node.group.shutdown()).await.expect("the shutdown ends");
    assert!(matches!(ended, Err(Fatal::Disk { .. })), "{ended:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_the_disk_hangs_all_clients_are_answered_and_then_the_group_continues() {
    /// Longer than the timeout of a write, and as long as the test may take.
    const HANGING: Duration = Duration::from_secs(20);
    let disk = SimDisk::new();
    let node = started(&disk).await.expect("a fresh node starts");
    assert_eq!(set_all(&node, &keys("before", 10)).await.0.len(), 10);
    disk.hang(true);
    let asked: Vec<_> = keys("hanging", 50)
        .into_iter()
        .map(|key| {
            let group = node.group.clone();
            tokio::spawn(async move { timeout(HANGING, group.propose(set(&key))).await })
        })
        .collect();
    for asked in asked {
        let outcome =
            asked.await.expect("no task panics").expect("the write is answered while the disk hangs");
        assert!(matches!(outcome, Err(Unavailable::Uncertain | Unavailable::NoQuorum)), "{outcome:?}");
    }
    // The read has to see no entry that waits for the disk.
    let read = timeout(HANGING, node.group.read_barrier(ReadConsistency::Linearizable)).await;
    assert_eq!(read.expect("the read is answered").map(drop), Ok(()));
    // A request from another node also has to get a reply, even if it is an error.
    assert!(timeout(HANGING, node.group.read_index().confirm(false)).await.is_ok());
    disk.hang(false);
    assert_eq!(set_all(&node, &keys("after", 10)).await.0.len(), 10);
    node.group.shutdown().await.expect("the node stops cleanly");
}
