//! Checks properties that every write has, with random arguments.

use bytes::Bytes;
use jsonvault::command::{Route, table};
use jsonvault::keyspace::{Keyspace, Scope};
use jsonvault::resp::Protocol;
use proptest::prelude::*;

use crate::vault::Vault;

/// A text for each key in the keyspace, with its value, deadline and version.
fn digest(keyspace: &Keyspace) -> Vec<String> {
    let mut lines = Vec::new();
    let view = keyspace.view(Scope::ManyKeys, 0);
    view.scan(0, usize::MAX, |key, entry| lines.push(format!("{key:?} {entry:?}")));
    lines.sort();
    lines
}

fn words(line: &[&str]) -> Vec<Bytes> {
    line.iter().map(|word| Bytes::copy_from_slice(word.as_bytes())).collect()
}

/// Stores some keys of every type, and a document in which many paths match and some overlap.
fn filled(vault: &mut Vault) {
    vault.begin(Protocol::Resp2);
    let document = r#"{"a":[1,2,3],"b":{"a":[1,"x",null,1.5],"c":true,"n":9223372036854775807},"n":[9223372036854775807,1],"s":"text","e":[],"o":{}}"#;
    vault.call(&words(&["JSON.SET", "k", "$", document]));
    vault.call(&words(&["JSON.SET", "j", "$", r#"[{"a":1},{"a":"x"},{"a":[1]}]"#]));
    vault.call(&words(&["SET", "text", "12", "PX", "5000"]));
    vault.call(&words(&["RPUSH", "list", "1", "x", "2", "x"]));
    vault.call(&words(&["SADD", "set", "1", "x"]));
    vault.call(&words(&["HSET", "hash", "1", "2", "x", "y"]));
    vault.call(&words(&["ZADD", "zset", "1", "x", "inf", "2"]));
}

/// A word that some commands accept as an argument.
fn argument() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "k",
        "j",
        "text",
        "new",
        "$",
        ".",
        "$.a",
        "$.b.a",
        "$..a",
        "$..n",
        "$.n[0]",
        "$.*",
        "$..*",
        "s",
        ".b.c",
        "$.x.y",
        "$.a[9]",
        "$.a[0,0]",
        "1",
        "0",
        "-1",
        "2",
        "9223372036854775807",
        "1.5",
        "\"x\"",
        "null",
        "true",
        "[1,[2]]",
        "{\"a\":null,\"z\":1}",
        "bad",
        "",
        "x",
        "-inf",
        "(1",
        "[x",
        "AFTER",
        "LEFT",
        "INCR",
        "list",
        "zset",
        "NX",
        "XX",
        "GET",
        "EX",
        "IFVER",
        "IFEQ",
        "MKPATH",
        "GT",
        "REPLACE",
        r#"[{"op":"remove","path":"/a"},{"op":"test","path":"/b","value":1}]"#,
        r#"[{"op":"add","path":"/e/0","value":1},{"op":"move","from":"/e","path":"/o/e"}]"#,
    ])
}

fn write() -> impl Strategy<Value = Vec<&'static str>> {
    let names: Vec<&'static str> = table::ROWS
        .iter()
        .filter(|row| matches!(row.route, Route::Write { .. }))
        .map(|row| row.spec.name)
        .collect();
    let key = prop::sample::select(vec!["k", "j", "text", "new", "list", "set", "hash", "zset"]);
    (prop::sample::select(names), key, prop::collection::vec(argument(), 0..5)).prop_map(
        |(name, key, rest)| {
            let mut line = vec![name, key];
            line.extend(rest);
            line
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    #[test]
    fn a_write_that_fails_changes_nothing(line in write()) {
        thread_local! {
            static VAULT: std::cell::RefCell<Vault> = std::cell::RefCell::new(Vault::new());
        }
        VAULT.with_borrow_mut(|vault| -> Result<(), TestCaseError> {
            filled(vault);
            let before = digest(vault.keyspace());
            let reply = vault.call(&words(&line));
            if reply.is_error() {
                prop_assert_eq!(&before, &digest(vault.keyspace()), "{:?} {:?}", line, reply);
            }
            Ok(())
        })?;
    }

    #[test]
    fn two_replicas_give_the_same_replies_and_reach_the_same_state(lines in prop::collection::vec(write(), 1..8)) {
        let (mut one, mut other) = (Vault::new(), Vault::new());
        filled(&mut one);
        filled(&mut other);
        for line in &lines {
            prop_assert_eq!(one.call(&words(line)), other.call(&words(line)), "{:?}", line);
        }
        prop_assert_eq!(digest(one.keyspace()), digest(other.keyspace()));
    }
}
