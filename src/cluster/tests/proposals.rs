//! Which batches share an entry, and when a proposer refuses writes.

use futures_util::future::join_all;

use super::disk_failure::started;
use crate::command::{Context, Row, SeedSource, table};
use crate::error::Unavailable;
use crate::machine::Batch;
use crate::raft::tests::set;
use crate::resp::Protocol;
use crate::testkit::SimDisk;

const CLIENTS: u64 = 16;
const ROUNDS: u64 = 20;

#[tokio::test]
async fn clients_that_are_answered_together_share_the_next_entry() {
    let node = started(&SimDisk::new()).await.expect("a fresh node starts");
    let before = node.group.status().last_log_index;
    let clients = (0..CLIENTS).map(|client| {
        let group = node.group.clone();
        tokio::spawn(async move {
            for round in 0..ROUNDS {
                let done = group.propose(set(&format!("{client}:{round}"))).await;
                assert_eq!(done.expect("the write is acknowledged").replies.len(), 1);
            }
        })
    });
    for ended in join_all(clients).await {
        ended.expect("no client panics");
    }
    let entries = node.group.status().last_log_index.unwrap_or(0) - before.unwrap_or(0);
    // Each round takes one entry. The first round takes more, and so does a round in which a client
    // was late.
    assert!((ROUNDS..ROUNDS + 5).contains(&entries), "{entries} entries for {ROUNDS} rounds of {CLIENTS}");
}

#[tokio::test]
async fn a_leader_that_abandons_a_hand_over_continues_to_lead() {
    let node = started(&SimDisk::new()).await.expect("a fresh node starts");
    let handing_over = node.group.proposer().begin_handing_over();
    assert!(!node.group.proposer().may_propose());
    drop(handing_over);
    assert!(node.group.proposer().may_propose());
}

#[tokio::test]
async fn a_single_client_does_not_wait_for_others() {
    let node = started(&SimDisk::new()).await.expect("a fresh node starts");
    for round in 0..3 {
        let group = node.group.clone();
        let mut asked = std::pin::pin!(group.propose(set(&round.to_string())));
        // The first poll of the future already proposes.
        assert!(futures_util::poll!(&mut asked).is_pending());
        assert_eq!(group.proposer().load(), (0, 1), "nothing waits, one entry is in flight");
        asked.await.expect("the write is acknowledged");
    }
}

#[tokio::test]
async fn a_command_of_a_later_cluster_version_does_not_enter_the_log() {
    let node = started(&SimDisk::new()).await.expect("a fresh node starts");
    let row = Row { since_version: 2, ..*table::find(b"SET").expect("the table has the command") };
    let words = ["k", "v"].map(|word| bytes::Bytes::from_static(word.as_bytes()));
    let seed = SeedSource::Fixed(0);
    let context = Context { protocol: Protocol::Resp2, now_ms: 1, document_bytes_max: 0, seed };
    let mut batch = Batch::new();
    batch.push(&row, &words, &context).expect("the command is well formed");
    let last = node.group.status().last_log_index;
    assert_eq!(node.group.propose(batch).await, Err(Unavailable::NotFinalized));
    assert_eq!(node.group.status().last_log_index, last);
    node.group.propose(set("key")).await.expect("other writes are not affected");
}
