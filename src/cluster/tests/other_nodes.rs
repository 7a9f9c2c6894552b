//! How a node treats requests of others on its port, and how it detects another process that
//! answers at its own address.

use std::sync::Arc;

use super::disk_failure::{TestNode, started, started_at};
use crate::cluster::copies::AtOwnAddress;
use crate::command::ReadConsistency;
use crate::env::{Net, RealNet};
use crate::error::{Fatal, Unavailable};
use crate::peer::{
    Append, AskVote, Change, ChangeRefused, Endpoint, ForwardError, Member, PeerClients, Request, Response,
    StoredVote, Target, WireEntry,
};
use crate::raft::tests::set;
use crate::storage::Identity;
use crate::testkit::SimDisk;

/// Sends a request to a node as if it came from the node `from`.
async fn asked(node: &TestNode, (from, incarnation): (u64, u64), request: &Request) -> Response {
    let identity = Identity { node: from, cluster: node.group.cluster().to_string(), incarnation };
    let clients = PeerClients::new(Arc::new(Endpoint::new(identity, 0, RealNet::shared())));
    let status = node.group.status();
    let address = &status.own().expect("the node is a member").member.raft_address;
    let target = Target { id: 1, address, incarnation: Some(node.group.incarnation()) };
    clients.ask(target, request).await.expect("the node answers")
}

const MEMBER: (u64, u64) = (1, 1);
const STRANGERS: [(u64, u64); 2] = [(9, 9), (1, 2)];

fn propose(commands: u32, bytes: &[u8]) -> Request {
    Request::Propose { commands, bytes: bytes.to_vec().into() }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_members_have_their_requests_done_here() {
    let node = started(&SimDisk::new()).await.expect("a fresh node starts");
    let (commands, bytes) = set("k").to_wire();
    let write = Request::Propose { commands, bytes };
    let before = node.group.status().last_log_index;
    for stranger in STRANGERS {
        let refused = asked(&node, stranger, &write).await;
        assert!(
            matches!(refused, Response::Replies(Err(ForwardError::Unavailable(Unavailable::Removed)))),
            "{refused:?}"
        );
        let refused = asked(&node, stranger, &Request::ReadPoint { lease: false }).await;
        assert!(
            matches!(refused, Response::ReadPoint(Err(ForwardError::Unavailable(Unavailable::Removed)))),
            "{refused:?}"
        );
        let refused = asked(&node, stranger, &Request::PubSub(Vec::new())).await;
        assert!(matches!(refused, Response::Failed(_)), "{refused:?}");
        let other = Change::Add { id: 7, member: Member::default() };
        for change in [other, Change::Remove { id: 1, force: true }, Change::Transfer { to: None }] {
            let refused = asked(&node, stranger, &Request::Change(change)).await;
            assert!(matches!(refused, Response::Changed(Err(ChangeRefused::NotLeader))), "{refused:?}");
        }
        assert!(matches!(asked(&node, stranger, &Request::Standing).await, Response::Standing(_)));
    }
    assert_eq!(node.group.status().last_log_index, before, "nothing was done");
    let done = asked(&node, MEMBER, &write).await;
    assert!(matches!(done, Response::Replies(Ok(_))), "{done:?}");
    node.group.shutdown().await.expect("the node stops cleanly");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_votes_or_leads_in_the_name_of_another() {
    let node = started(&SimDisk::new()).await.expect("a fresh node starts");
    let term = node.group.status().term;
    let vote = StoredVote { term: term + 100, node_id: 7, committed: true };
    let append = Append { vote, previous: None, entries: Vec::new(), commit: None, time_ms: 0 };
    let ask = || AskVote { vote, last: Some((1000, 1000)), transfer: true };
    let requests = [
        Request::Append(append),
        Request::Vote(ask()),
        Request::PreVote(ask()),
        Request::Transfer { from: vote, to: 1, last: None },
        Request::SnapshotEnd { vote },
    ];
    for request in requests {
        let refused = asked(&node, (9, 9), &request).await;
        let Response::Failed(reason) = &refused else { panic!("{refused:?}") };
        assert_eq!(reason, "the vote in the request is not the sender's own");
    }
    assert_eq!(node.group.status().term, term);
    node.group.shutdown().await.expect("the node stops cleanly");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_batch_that_does_not_decode_is_not_proposed() {
    let node = started(&SimDisk::new()).await.expect("a fresh node starts");
    let before = node.group.status().last_log_index;
    // SET without its arguments; a code that no command has; a batch with fewer commands than it
    // announces.
    let frames: [(u32, &[u8]); 3] =
        [(1, &[0, 0, 0, 0, 1, 0]), (1, &[0, 0, 0, 0, 255, 255]), (2, &[0, 0, 0, 0, 1, 0])];
    for (commands, bytes) in frames {
        let refused = asked(&node, MEMBER, &propose(commands, bytes)).await;
        let Response::Replies(Err(ForwardError::Unavailable(unavailable))) = refused else {
            panic!("{refused:?}")
        };
        assert_eq!(unavailable, Unavailable::Unreadable);
        assert!(unavailable.to_string().starts_with("ERR ") && unavailable.to_string().contains("nothing"));
    }
    assert_eq!(node.group.status().last_log_index, before, "nothing was proposed");
    node.group.propose(set("k")).await.expect("the node still serves requests");
    node.group.shutdown().await.expect("the node stops cleanly");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_entry_of_a_stranger_that_does_not_decode_is_not_taken_in() {
    let node = started(&SimDisk::new()).await.expect("a fresh node starts");
    let before = node.group.status();
    let last = before.last_log_index.expect("the node has formed its cluster");
    // A batch of one command: SET without its arguments.
    let payload = [&[1][..], &[0; 8], &[1, 0, 0, 0], &[0, 0, 0, 0, 1, 0]].concat();
    let append = Append {
        vote: StoredVote { term: before.term + 1, node_id: 9, committed: true },
        previous: Some((last, before.term)),
        entries: vec![WireEntry { index: last + 1, term: before.term + 1, payload: payload.into() }],
        commit: Some((last + 1, before.term + 1)),
        time_ms: 0,
    };
    let refused = asked(&node, (9, 9), &Request::Append(append)).await;
    assert!(matches!(&refused, Response::Failed(reason) if reason.contains("do not decode")), "{refused:?}");
    assert_eq!(node.group.status().term, before.term);
    node.group.propose(set("k")).await.expect("the node still serves requests");
    node.group.shutdown().await.expect("the node stops cleanly");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deposed_leaders_late_append_contradicts_nothing() {
    let node = started(&SimDisk::new()).await.expect("a fresh node starts");
    let done = node.group.propose(set("k")).await.expect("the write is acknowledged");
    let term = node.group.status().term;
    let append = |of_term: u64| Append {
        vote: StoredVote { term: of_term, node_id: 9, committed: true },
        previous: None,
        entries: vec![WireEntry { index: done.index, term: term + 1, payload: bytes::Bytes::new() }],
        commit: None,
        time_ms: 0,
    };
    let late = node.group.receiver().append(append(term - 1), true).await;
    assert!(!late.as_ref().is_err_and(|reason| reason.contains("contradicts")), "{late:?}");
    let refused = node
        .group
        .receiver()
        .append(append(term + 1), true)
        .await
        .expect_err("an entry that contradicts an applied one is refused");
    assert!(refused.contains("contradicts"), "{refused}");
    node.group.shutdown().await.expect("the node stops cleanly");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deposed_leaders_late_append_does_not_set_the_time() {
    let node = started(&SimDisk::new()).await.expect("a fresh node starts");
    node.group.propose(set("k")).await.expect("the write is acknowledged");
    let before = node.group.read_barrier(ReadConsistency::Linearizable).await.expect("the node leads");
    let append = Append {
        vote: StoredVote { term: node.group.status().term - 1, node_id: 9, committed: true },
        previous: None,
        entries: Vec::new(),
        commit: None,
        time_ms: before + 3_600_000,
    };
    let late = node.group.receiver().append(append, true).await;
    assert!(matches!(late, Ok(Response::HigherVote(_))), "{late:?}");
    let after = node.group.read_barrier(ReadConsistency::Linearizable).await.expect("the node still leads");
    assert!((before..before + 1_800_000).contains(&after), "{before}, then {after}");
    node.group.shutdown().await.expect("the node stops cleanly");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_knows_who_answers_at_its_own_address() {
    let port = || async { RealNet.bind("127.0.0.1:0").await.expect("a port is free") };
    let disk = SimDisk::new();
    let original = started_at(&disk, port().await).await.expect("a fresh node starts");
    original.group.propose(set("k")).await.expect("the write is acknowledged");
    assert!(matches!(original.group.copies().look().await, AtOwnAddress::This));
    // The copy has a lock of its own: the original's protects only the original directory.
    let copied = loop {
        if let Some(copied) = disk.copy_if_synced() {
            break copied;
        }
        tokio::task::yield_now().await;
    };
    copied.reboot(0);
    let copy = started_at(&copied, port().await).await.expect("a copy starts");
    let found = copy.group.copies().look().await;
    assert!(matches!(found, AtOwnAddress::Copy(Fatal::Copy { node: 1, .. })), "{found:?}");
    copy.group.copies().watch(found).await;
    assert!(matches!(copy.group.failed().await, Fatal::Copy { .. }));
    original.group.shutdown().await.expect("the node stops cleanly");
    let found = copy.group.copies().look().await;
    assert!(matches!(found, AtOwnAddress::Silent { own: false }), "{found:?}");
    copy.group.shutdown().await.expect("the node stops cleanly");
}
