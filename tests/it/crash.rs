//! A node that is killed loses no acknowledged write.

use std::fmt::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};

use crate::harness::documents::{Ledger, document, write_until_lost};
use crate::harness::wait::until;
use crate::harness::{Dice, TestNode, rounds};

const WRITERS: u64 = 4;
/// Maximum number of documents of a writer; more than it can write before the kill.
const DOCUMENTS_MAX: usize = 100_000;

/// Lets writers run until a random number of documents has been acknowledged, and then kills the
/// node.
fn write_and_kill(node: &mut TestNode, round: u64, dice: &mut Dice) -> Ledger {
    let acknowledged = AtomicU64::new(0);
    let enough = dice.below(3000);
    let address = node.address().to_owned();
    let mut ledger = Ledger::default();
    std::thread::scope(|scope| {
        let writers: Vec<_> = (0..WRITERS)
            .map(|writer| {
                let (address, acknowledged) = (&address, &acknowledged);
                // The first writer waits for each reply. The others pipeline their requests, each
                // more of them than the one before.
                let window = 1 + 20 * writer as usize;
                let prefix = format!("r{round}w{writer}");
                scope.spawn(move || write_until_lost(address, &prefix, window, DOCUMENTS_MAX, acknowledged))
            })
            .collect();
        until("writes to be acknowledged", || (acknowledged.load(Ordering::Relaxed) >= enough).then_some(()));
        node.kill();
        writers.into_iter().for_each(|writer| ledger.merge(writer.join().unwrap()));
    });
    ledger
}

fn kill_rounds(mut node: TestNode, rounds: u64) {
    let mut dice = Dice::new();
    let mut all = Ledger::default();
    for round in 0..rounds {
        all.merge(write_and_kill(&mut node, round, &mut dice));
        node.start();
        let found = all.check(&mut node.client());
        println!("round {round}: {found:?}");
    }
}

#[test]
fn every_acknowledged_document_is_there_after_a_kill() {
    kill_rounds(TestNode::started(), rounds(4));
}

#[test]
fn every_acknowledged_document_exists_after_a_kill_during_snapshots() {
    let mut node =
        TestNode::new().with(&["--snapshot-log-entries", "200", "--snapshot-log-bytes", "1000000"]);
    node.start();
    kill_rounds(node, rounds(4));
}

/// Writes a file for `client import --keyed`, and returns its keys.
fn import_file(path: &Path, round: u64, documents: usize) -> Vec<String> {
    let keys: Vec<String> = (0..documents).map(|number| format!("import{round}:{number}")).collect();
    let lines = keys.iter().fold(String::new(), |mut lines, key| {
        writeln!(lines, r#"{{"key":"{key}","value":{}}}"#, document(key)).unwrap();
        lines
    });
    std::fs::write(path, lines).unwrap();
    keys
}

#[test]
fn documents_that_an_import_reports_as_acknowledged_exist_after_a_kill() {
    const DOCUMENTS: usize = 30_000;
    let (mut node, mut dice) = (TestNode::started(), Dice::new());
    let files = tempfile::tempdir().unwrap();
    let (input, output) = (files.path().join("documents"), files.path().join("acknowledged"));
    let mut ledger = Ledger::default();
    for round in 0..rounds(2) {
        let keys = import_file(&input, round, DOCUMENTS);
        let before = node.client().integer("DBSIZE");
        let enough = before + 1 + dice.below(DOCUMENTS as u64 / 3) as i64;
        let mut import = Command::new(env!("CARGO_BIN_EXE_client"));
        import.args(["--server", node.address(), "import", "--keyed", "--window", "300", "--acknowledged"]);
        let import = import.arg(&output).arg(&input).stderr(Stdio::piped()).spawn().unwrap();
        let mut watcher = node.client();
        until("documents to be imported", || (watcher.integer("DBSIZE") >= enough).then_some(()));
        node.kill();
        let ended = import.wait_with_output().unwrap();
        let told = String::from_utf8_lossy(&ended.stderr).into_owned();
        keys.into_iter().for_each(|key| ledger.sent(key));
        let acknowledged = std::fs::read_to_string(&output).unwrap();
        acknowledged.lines().for_each(|key| ledger.acknowledged(key));
        let count = acknowledged.lines().count();
        let lost = ended.status.code() == Some(4);
        assert!(lost || ended.status.success() && count == DOCUMENTS, "{}: {told}", ended.status);
        assert!(told.contains(&format!("{count} documents acknowledged, 0 failed, 0 uncertain")), "{told}");
        node.start();
        println!("round {round}: {:?}", ledger.check(&mut node.client()));
    }
}
