//! The messages of each release, as its nodes send them: `tests/formats/<release>/frames.txt` has
//! a line for each, with the bytes of its frame in hexadecimal.
//!
//! A message that a node of that release may receive has to keep these bytes, and every node has to
//! read them. A file is never changed after its release.

use std::collections::BTreeMap;

use super::frame;
use super::wire::*;
use crate::error::{CommandError, Unavailable};
use crate::resp::Reply;
use crate::testkit::{hex, release_file};
use serde::{Serialize, de::DeserializeOwned};

/// The number of every frame in the files.
const NUMBER: u64 = 7;

/// The file of the first release.
fn v0_1() -> String {
    release_file("v0.1/frames.txt")
}

fn member() -> Member {
    Member {
        raft_address: "10.0.0.2:16379".to_string(),
        client_address: "10.0.0.2:6379".to_string(),
        incarnation: 1 << 40,
    }
}

fn hello() -> Hello {
    Hello {
        version: 4,
        cluster: "blue".to_string(),
        group: 0,
        from: 1,
        incarnation: 300,
        to: 2,
        to_incarnation: Some(1 << 40),
        members_index: Some(9),
    }
}

fn welcomes() -> Vec<(&'static str, Welcome)> {
    vec![
        ("Ready", Welcome::Ready),
        ("Refused", Welcome::Refused("the connection is for node 3".to_string())),
        ("Removed", Welcome::Removed),
        ("Replaced", Welcome::Replaced),
    ]
}

fn requests() -> Vec<(&'static str, Request)> {
    let vote = StoredVote { term: 3, node_id: 1, committed: true };
    let ask = || AskVote { vote, last: Some((9, 2)), transfer: false };
    let entries = vec![
        WireEntry { index: 10, term: 3, payload: b"batch"[..].into() },
        WireEntry { index: 11, term: 3, payload: b""[..].into() },
    ];
    let commit = Some((8, 2));
    let append = Append { vote, previous: Some((9, 2)), entries, commit, time_ms: 1_750_000_000_000 };
    let offer = Offer { position: (300, 2), bytes: 5000, meta: b"meta"[..].into() };
    let message = PubSubMessage { shard: true, channel: b"news"[..].into(), message: b"text"[..].into() };
    let change = |change| Request::Change(change);
    vec![
        ("Append", Request::Append(append)),
        ("Vote", Request::Vote(ask())),
        ("PreVote", Request::PreVote(ask())),
        ("Transfer", Request::Transfer { from: vote, to: 2, last: Some((9, 2)) }),
        ("SnapshotOffer", Request::SnapshotOffer(offer)),
        ("SnapshotChunk", Request::SnapshotChunk { offset: 300, bytes: b"chunk"[..].into() }),
        ("SnapshotEnd", Request::SnapshotEnd { vote }),
        ("Propose", Request::Propose { commands: 2, bytes: b"commands"[..].into() }),
        ("ReadPoint", Request::ReadPoint { lease: true }),
        ("Add", change(Change::Add { id: 2, member: member() })),
        ("Claim", change(Change::Claim { id: 2, incarnation: 1 << 40 })),
        ("Remove", change(Change::Remove { id: 2, force: true })),
        ("TransferLeader", change(Change::Transfer { to: Some(2) })),
        ("PubSub", Request::PubSub(vec![message])),
        ("Standing", Request::Standing),
        ("Lost", Request::Lost(Acknowledged { leader_term: 3, last: (9, 2) })),
    ]
}

fn responses() -> Vec<(&'static str, Response)> {
    let vote = StoredVote { term: 3, node_id: 1, committed: false };
    let last = Some((9, 2));
    let standing = Standing {
        incarnation: 1 << 40,
        process: 300,
        removed: false,
        cluster: Some(Formed {
            index: Some(5),
            applied: true,
            members: BTreeMap::from([(2, member())]),
            leader: Some(2),
        }),
        acknowledged: Some(Acknowledged { leader_term: 3, last: (9, 2) }),
        last,
        applied: Some((8, 2)),
    };
    let read = |point| Response::ReadPoint(point);
    let unavailable = |reason| Response::Replies(Err(ForwardError::Unavailable(reason)));
    let changed = |refused| Response::Changed(Err(refused));
    vec![
        ("Appended", Response::Appended),
        ("AppendedUpTo", Response::AppendedUpTo(last)),
        ("Conflict", Response::Conflict),
        ("HigherVote", Response::HigherVote(vote)),
        ("VoteAnswer", Response::Vote { vote, granted: true, last, time_ms: Some(1_750_000_000_000) }),
        ("Transferred", Response::Transferred(Ok(()))),
        ("NotTransferred", Response::Transferred(Err("it does not lead".to_string()))),
        ("SnapshotAt", Response::SnapshotAt(300)),
        ("SnapshotInstalled", Response::SnapshotInstalled(vote)),
        ("Replies", Response::Replies(Ok(Done { index: 300, replies: replies() }))),
        ("NotLeader", Response::Replies(Err(ForwardError::NotLeader))),
        ("Loading", unavailable(Unavailable::Loading)),
        ("NoLeader", unavailable(Unavailable::NoLeader)),
        ("NoQuorum", unavailable(Unavailable::NoQuorum)),
        ("Overloaded", unavailable(Unavailable::Overloaded)),
        ("ShuttingDown", unavailable(Unavailable::ShuttingDown)),
        ("DiskFull", unavailable(Unavailable::DiskFull("no room".to_string()))),
        ("NodeRemoved", unavailable(Unavailable::Removed)),
        ("Uncertain", unavailable(Unavailable::Uncertain)),
        ("Unreadable", unavailable(Unavailable::Unreadable)),
        ("ReadAt", read(Ok(ReadPoint { index: 300, time_ms: 1_750_000_000_000 }))),
        ("NoReadAt", read(Err(ForwardError::NotLeader))),
        ("Changed", Response::Changed(Ok(()))),
        ("ChangeNotLeader", changed(ChangeRefused::NotLeader)),
        ("ChangeImpossible", changed(ChangeRefused::Impossible("no".to_string()))),
        ("ChangeLater", changed(ChangeRefused::Later("no".to_string()))),
        ("ChangeUnknown", changed(ChangeRefused::Unknown("no".to_string()))),
        ("Received", Response::Received),
        ("StandingAnswer", Response::Standing(standing)),
        ("Failed", Response::Failed("it cannot".to_string())),
    ]
}

/// A reply of each kind.
fn replies() -> Vec<Reply> {
    vec![
        Reply::OK,
        Reply::Error(CommandError::SYNTAX),
        Reply::Unavailable(Unavailable::Uncertain),
        Reply::bulk("bulk"),
        Reply::Verbatim(b"text"[..].into()),
        Reply::Integer(-300),
        Reply::Double(1.5),
        Reply::Boolean(true),
        Reply::Null,
        Reply::NullArray,
        Reply::Array(vec![Reply::Integer(1)]),
        Reply::Set(vec![Reply::Integer(2)]),
        Reply::Push(vec![Reply::Integer(3)]),
        Reply::Several(vec![Reply::Integer(4)]),
        Reply::Map(vec![(Reply::bulk("key"), Reply::Null)]),
    ]
}

fn line(name: &str, message: &impl Serialize) -> String {
    let mut bytes = Vec::new();
    frame::encode(NUMBER, message, &mut bytes);
    format!("{name} {}\n", hex(&bytes))
}

fn lines(named: &[(&str, impl Serialize)]) -> String {
    named.iter().map(|(name, message)| line(name, message)).collect()
}

#[test]
fn the_messages_of_the_first_release_are_sent_as_they_were() {
    let sent =
        [line("Hello", &hello()), lines(&welcomes()), lines(&requests()), lines(&responses())].concat();
    assert!(sent == v0_1(), "{sent}");
}

/// The frame of this name in the file.
fn recorded(name: &str) -> Vec<u8> {
    let file = v0_1();
    let line = file.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    let digits = line.unwrap_or_else(|| panic!("the file has no {name}"));
    (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap()).collect()
}

async fn assert_read<M: DeserializeOwned + std::fmt::Debug>(messages: Vec<(&str, M)>) {
    for (name, message) in messages {
        let (number, read) = frame::read::<M>(&mut &recorded(name)[..]).await.unwrap();
        assert_eq!((number, format!("{read:?}")), (NUMBER, format!("{message:?}")), "{name}");
    }
}

#[tokio::test]
async fn the_messages_of_the_first_release_are_read() {
    assert_read(vec![("Hello", hello())]).await;
    assert_read(welcomes()).await;
    assert_read(requests()).await;
    assert_read(responses()).await;
}
