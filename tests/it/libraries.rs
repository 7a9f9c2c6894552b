//! Tests with clients and tools of third parties.

use std::process::{Command, Output};

use jsonvault::command::table;

use crate::harness::TestNode;

#[test]
fn the_redis_crate_works_as_a_client() {
    let node = TestNode::started();
    let client = redis::Client::open(format!("redis://{}/", node.address())).unwrap();
    let mut connection = client.get_connection().unwrap();
    let set = |key: &str, json: &str| {
        let mut command = redis::cmd("JSON.SET");
        command.arg(key).arg("$").arg(json);
        command
    };
    let ok: String = set("user:1", r#"{"name":"Alice","age":30}"#).query(&mut connection).unwrap();
    assert_eq!(ok, "OK");
    let name: String = redis::cmd("JSON.GET").arg("user:1").arg("$.name").query(&mut connection).unwrap();
    assert_eq!(name, r#"["Alice"]"#);
    let missing: Option<String> = redis::cmd("JSON.GET").arg("user:2").query(&mut connection).unwrap();
    assert_eq!(missing, None);
    let error = set("user:1", "{").query::<String>(&mut connection).unwrap_err();
    assert!(!error.is_io_error(), "{error}");

    let mut pipeline = redis::pipe();
    for number in 0..100 {
        pipeline.add_command(set(&format!("k:{number}"), &number.to_string())).ignore();
    }
    pipeline.cmd("DBSIZE");
    let (stored,): (i64,) = pipeline.query(&mut connection).unwrap();
    assert_eq!(stored, 101);
}

/// Whether the server has all of these commands.
fn has(names: &[&str]) -> bool {
    let missing: Vec<_> = names.iter().filter(|name| table::find(name.as_bytes()).is_none()).collect();
    if !missing.is_empty() {
        println!("skipped: there is no {missing:?}");
    }
    missing.is_empty()
}

#[test]
fn the_redis_crate_pipelines_and_locates_errors() {
    let node = TestNode::started();
    let client = redis::Client::open(format!("redis://{}/", node.address())).unwrap();
    let mut connection = client.get_connection().unwrap();
    let mut pipeline = redis::pipe();
    for number in 0..1000 {
        let document = format!(r#"{{"n":{number}}}"#);
        pipeline.cmd("JSON.SET").arg(format!("p:{number}")).arg("$").arg(document).ignore();
        pipeline.cmd("JSON.NUMINCRBY").arg(format!("p:{number}")).arg(".n").arg(1);
    }
    let sums: Vec<String> = pipeline.query(&mut connection).unwrap();
    assert_eq!(sums, (1..=1000).map(|sum| sum.to_string()).collect::<Vec<_>>());
    let mut pipeline = redis::pipe();
    pipeline.cmd("PING").cmd("JSON.SET").arg("nobody").arg("$.a").arg(1).cmd("PING");
    let error = pipeline.query::<Vec<String>>(&mut connection).unwrap_err();
    assert!(error.to_string().contains("new objects must be created at the root"), "{error}");
    let pong: String = redis::cmd("PING").query(&mut connection).unwrap();
    assert_eq!(pong, "PONG", "the connection continues after an error in a pipeline");
}

#[test]
fn the_redis_crate_runs_transactions() {
    if !has(&["MULTI", "EXEC", "WATCH", "SET", "GET"]) {
        return;
    }
    let node = TestNode::started();
    let client = redis::Client::open(format!("redis://{}/", node.address())).unwrap();
    let (mut connection, mut rival) = (client.get_connection().unwrap(), client.get_connection().unwrap());
    let mut atomic = redis::pipe();
    atomic.atomic().cmd("JSON.SET").arg("k").arg("$").arg(r#"{"n":1}"#).ignore();
    atomic.cmd("JSON.NUMINCRBY").arg("k").arg(".n").arg(1).cmd("JSON.GET").arg("k");
    let (sum, document): (String, String) = atomic.query(&mut connection).unwrap();
    assert_eq!((sum.as_str(), document.as_str()), ("2", r#"{"n":2}"#));

    let mut tries = Vec::new();
    let (stored,): (String,) = redis::transaction(&mut connection, &["k"], |connection, pipeline| {
        let seen: String = redis::cmd("JSON.GET").arg("k").arg(".n").query(connection)?;
        if tries.is_empty() {
            // Runs between WATCH and EXEC: the first attempt must fail, and the second one must see
            // this change.
            redis::cmd("JSON.NUMINCRBY").arg("k").arg(".n").arg(40).exec(&mut rival)?;
        }
        tries.push(seen.clone());
        pipeline.cmd("JSON.SET").arg("k").arg("$.seen").arg(seen).query(connection)
    })
    .unwrap();
    assert_eq!((stored.as_str(), tries), ("OK", vec!["2".to_owned(), "42".to_owned()]));
    let document: String = redis::cmd("JSON.GET").arg("k").query(&mut connection).unwrap();
    assert_eq!(document, r#"{"n":42,"seen":42}"#);
}

#[test]
fn the_redis_crate_works_with_resp3() {
    let node = TestNode::started();
    let client = redis::Client::open(format!("redis://{}/?protocol=resp3", node.address())).unwrap();
    let mut connection = client.get_connection().unwrap();
    let ok: String = redis::cmd("JSON.SET").arg("k").arg("$").arg("[1,2]").query(&mut connection).unwrap();
    assert_eq!(ok, "OK");
    let grown: Vec<f64> =
        redis::cmd("JSON.NUMINCRBY").arg("k").arg("$.*").arg("0.5").query(&mut connection).unwrap();
    assert_eq!(grown, [1.5, 2.5]);
}

/// Runs a program and returns its output; `None`, with a note, if it is not installed.
fn run(program: &str, node: &TestNode, arguments: &[&str]) -> Option<Output> {
    let port = node.address().rsplit(':').next().unwrap();
    match Command::new(program).args(["-h", "127.0.0.1", "-p", port]).args(arguments).output() {
        Ok(output) => Some(output),
        Err(error) => {
            println!("skipped: {program} can't be run: {error}");
            None
        }
    }
}

#[test]
fn redis_benchmark_runs_without_an_error() {
    let node = TestNode::started();
    let mut tests = "ping_inline,ping_mbulk".to_owned();
    for name in ["set", "get"] {
        if table::find(name.as_bytes()).is_some() {
            tests.push_str(&format!(",{name}"));
        }
    }
    let Some(output) = run("redis-benchmark", &node, &["-t", &tests, "-n", "1000", "-q"]) else { return };
    let told =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{told}");
    assert!(!told.contains("Error") && !told.contains("WARNING"), "{told}");
    assert_eq!(told.matches("requests per second").count(), tests.split(',').count(), "{told}");

    node.client().ok("FLUSHALL");
    let set = ["-n", "1000", "-q", "-P", "16", "-r", "100", "JSON.SET", "k:__rand_int__", "$", r#"{"a":1}"#];
    let Some(output) = run("redis-benchmark", &node, &set) else { return };
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!((1..=100).contains(&node.client().integer("DBSIZE")));
}

#[test]
fn redis_cli_shows_what_was_stored() {
    let node = TestNode::started();
    let Some(output) = run("redis-cli", &node, &["JSON.SET", "k", "$", r#"{"a": 1}"#]) else { return };
    assert_eq!(String::from_utf8_lossy(&output.stdout), "OK\n");
    for resp in ["-2", "-3"] {
        let output = run("redis-cli", &node, &[resp, "JSON.GET", "k"]).unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stdout), "{\"a\":1}\n");
    }
    let output = run("redis-cli", &node, &["--scan", "--pattern", "k*"]).unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout), "k\n");
}
