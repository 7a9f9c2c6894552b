use std::sync::{Arc, Mutex};

use clap::Parser;

use super::super::args::{Args, Command};
use super::super::fake_server::FakeServer;
use super::*;
use crate::error::{CommandError, Unavailable};
use crate::resp::{Reply, Request};

type Log = Arc<Mutex<Vec<(String, String)>>>;

/// A server that stores documents, except that it refuses `bad` and replies UNCERTAIN to `unsure`.
fn store(log: &Log) -> impl FnMut(&Request) -> Reply + Send + 'static {
    let log = log.clone();
    move |request| {
        let text = |at: usize| String::from_utf8(request.words()[at].to_vec()).unwrap();
        assert_eq!((text(0), text(2)), ("JSON.SET".to_owned(), "$".to_owned()));
        match text(3).as_str() {
            "bad" => CommandError::fixed("ERR expected value at line 1 column 1").into(),
            "unsure" => Unavailable::Uncertain.into(),
            document => {
                log.lock().unwrap().push((text(1), document.to_owned()));
                Reply::OK
            }
        }
    }
}

fn import(server: &FakeServer, content: &str, flags: &[&str]) -> (Result<Exit, Failure>, Vec<String>) {
    let directory = tempfile::tempdir().unwrap();
    let (input, output) = (directory.path().join("in"), directory.path().join("acknowledged"));
    std::fs::write(&input, content).unwrap();
    let line = ["client", "import", input.to_str().unwrap(), "--acknowledged", output.to_str().unwrap()];
    let args = Args::try_parse_from(line.iter().chain(flags)).unwrap();
    let Some(Command::Import(options)) = &args.command else { panic!("{args:?}") };
    let end = run(&mut server.connect(), options);
    let keys = std::fs::read_to_string(output).unwrap();
    (end, keys.lines().map(str::to_owned).collect())
}

#[test]
fn documents_are_stored_in_order_through_a_small_window() {
    let log = Log::default();
    let server = FakeServer::start(store(&log));
    let content: String = (1..=100).map(|number| format!("{{\"id\":{number}}}\n")).collect();
    let (end, keys) = import(&server, &content, &["--key-field", "id", "--prefix", "u:", "--window", "7"]);
    assert_eq!(end.unwrap(), Exit::Ok);
    let stored = log.lock().unwrap();
    assert_eq!(stored.len(), 100);
    assert_eq!(stored[41], ("u:42".to_owned(), "{\"id\":42}".to_owned()));
    assert!(keys.iter().eq(stored.iter().map(|(key, _)| key)));
}

#[test]
fn a_refused_document_does_not_stop_an_import_and_sets_the_exit_code() {
    let server = FakeServer::start(store(&Log::default()));
    let (end, keys) = import(&server, "1\nbad\n2\n", &["--prefix", "n"]);
    assert_eq!(end.unwrap(), Exit::Refused);
    assert_eq!(keys, ["n1", "n3"]);
    let (end, keys) = import(&server, "bad\nunsure\n2\n", &[]);
    assert_eq!(end.unwrap(), Exit::Uncertain);
    assert_eq!(keys, ["doc:3"]);
}

#[test]
fn after_a_lost_connection_exactly_the_answered_documents_are_acknowledged() {
    for answered in [0, 1, 9, 10, 37] {
        let server = FakeServer::start_and_hang_up_after(answered, store(&Log::default()));
        let content: String = (0..200).map(|number| format!("{number}\n")).collect();
        let (end, keys) = import(&server, &content, &["--window", "10"]);
        assert_eq!(end.unwrap_err().exit(), Exit::Lost);
        assert_eq!(keys.len(), answered);
    }
}

#[test]
fn documents_before_a_broken_end_are_counted() {
    let server = FakeServer::start(store(&Log::default()));
    let (end, keys) = import(&server, "[1, 2, {", &[]);
    assert_eq!(end.unwrap_err().exit(), Exit::Usage);
    assert_eq!(keys, ["doc:1", "doc:2"]);
}
