//! Clients that other people wrote.

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

/// What an installed program says; `None`, with a note, where it is not installed.
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
