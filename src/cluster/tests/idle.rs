//! What a node does while nobody uses it, counted on the paused clock.

use std::time::Duration;

use tokio::runtime::Handle;
use tokio::time::sleep;

use super::disk_failure::started;
use crate::raft::tests::set;
use crate::testkit::SimDisk;

/// How often the runtime's thread went to sleep during `seconds` of the paused clock, which is once
/// for each timer that was due.
async fn wake_ups(seconds: u64) -> u64 {
    let metrics = Handle::current().metrics();
    let before = metrics.worker_park_count(0);
    sleep(Duration::from_secs(seconds)).await;
    metrics.worker_park_count(0) - before
}

#[tokio::test(start_paused = true)]
async fn an_idle_single_node_seldom_wakes_up() {
    let node = started(&SimDisk::new()).await.expect("a fresh node starts");
    node.group.propose(set("key")).await.expect("a single node writes");
    // Lets the last checks that follow the write pass.
    wake_ups(1).await;
    let counted = wake_ups(10).await;
    assert!(counted <= 40, "{counted} wake-ups in 10 s");
    node.group.propose(set("key")).await.expect("an idle node writes at once");
    node.group.shutdown().await.expect("the node stops cleanly");
}
