//! Checks that the deterministic modules use nothing that may differ between replicas.
//!
//! They are in the same crate as the other modules (`docs/decisions/0013-purity-is-a-test.md`), so
//! the compiler does not enforce this. The first test does. The second one shows the ways to name
//! something impure that the first one detects.

use std::collections::BTreeSet;

use super::source::{Source, block_length, sources};

/// The modules that apply entries, and the modules on which they depend.
const PURE: &[&str] = &[
    "src/random.rs",
    "src/error.rs",
    "src/json/",
    "src/json.rs",
    "src/acl/",
    "src/keyspace/",
    "src/command/",
    "src/machine/",
];

/// Impure paths; each includes the paths below it. `std::time` is not listed, because `Duration` is
/// pure.
const PATHS: &[(&str, &str)] = &[
    ("std::env", "the environment"),
    ("std::fs", "a disk"),
    ("std::io::stdin", "a terminal"),
    ("std::net", "a socket; an address alone is in core::net"),
    ("std::os", "the operating system"),
    ("std::process", "processes"),
    ("std::thread", "threads"),
    ("crate::env", "the machine"),
    ("jsonvault::env", "the machine"),
    ("crate::testkit", "test equipment"),
];

/// Names that are impure, regardless of the module that they come from.
const NAMES: &[(&str, &str)] = &[
    ("Instant", "a clock"),
    ("SystemTime", "a clock"),
    ("UNIX_EPOCH", "a clock"),
    ("chrono", "a clock"),
    ("RandomState", "a random source"),
    ("OsRng", "a random source"),
    ("ThreadRng", "a random source"),
    ("fastrand", "a random source"),
    ("getrandom", "a random source"),
    ("rand", "a random source"),
    ("rand_core", "a random source"),
    ("random_u64", "a random source"),
    ("thread_rng", "a random source"),
    ("File", "a disk"),
    ("OpenOptions", "a disk"),
    ("libc", "the operating system"),
    ("nix", "the operating system"),
    ("rustix", "the operating system"),
    ("TcpListener", "a socket"),
    ("TcpStream", "a socket"),
    ("UdpSocket", "a socket"),
    ("UnixStream", "a socket"),
    ("ToSocketAddrs", "a name server"),
    ("mio", "a socket"),
    ("socket2", "a socket"),
    ("async_std", "a runtime"),
    ("smol", "a runtime"),
    ("tokio", "a runtime"),
    ("spawn_blocking", "threads"),
];

/// Calls that are impure, regardless of their receiver.
const CALLS: &[(&str, &str)] = &[(".elapsed(", "a clock"), ("::sleep(", "a clock"), ("::spawn(", "threads")];

/// Exceptions for single files: hash tables have random seeds, against keys chosen to collide, and
/// no result depends on their order.
const ALLOWED: &[(&str, &str)] = &[
    ("src/keyspace/map.rs", "foldhash::fast::RandomState"),
    ("src/keyspace/set.rs", "foldhash::fast::RandomState"),
];

/// The impure names in `code`, each with what it gives access to.
fn impurities(code: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for path in paths(code) {
        let segments: Vec<&str> = path.split("::").collect();
        // Such imports are refused, because `use std::*` and `use std as s` would hide what they
        // import.
        if matches!(segments[..], ["std" | "core"] | ["std" | "core", "*"]) {
            found.insert(format!("{path}: all of the standard library"));
        }
        let outer = matches!(segments[0], "super" | "self") && segments.contains(&"env");
        let door = PATHS.iter().find(|(door, _)| path == *door || path.starts_with(&format!("{door}::")));
        if let Some((_, what)) = door.or(outer.then_some(&("", "the machine"))) {
            found.insert(format!("{path}: {what}"));
        }
        for (name, what) in NAMES.iter().filter(|(name, _)| segments.contains(name)) {
            found.insert(format!("{path}: {what}: {name}"));
        }
    }
    let calls = CALLS.iter().filter(|(call, _)| code.contains(call));
    found.extend(calls.map(|(call, what)| format!("{call}: {what}")));
    found
}

/// Every path in `code`, with `use` trees expanded; a single name is a path of one segment.
fn paths(code: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = code;
    while let Some(at) = rest.find(is_of_name) {
        rest = &rest[at..];
        let end = tree_length(rest);
        expand(&rest[..end], "", &mut found);
        rest = &rest[end..];
    }
    found
}

fn is_of_name(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// The length of a path with its `use` tree: names and `::`, and at the end a group or `*`.
fn tree_length(text: &str) -> usize {
    let mut at = 0;
    loop {
        at += text[at..].find(|c| !is_of_name(c)).unwrap_or(text.len() - at);
        let behind = text[at..].trim_start();
        let Some(next) = behind.strip_prefix("::") else { return at };
        let next = next.trim_start();
        let begins = text.len() - next.len();
        match next.chars().next() {
            Some('{') => return begins + block_length(next),
            Some('*') => return begins + 1,
            Some(c) if is_of_name(c) => at = begins,
            // The arguments of a turbofish are separate paths.
            _ => return at,
        }
    }
}

/// Expands a tree: `a::{b, c::{d, self}}` is `a::b`, `a::c::d` and `a::c`.
fn expand(tree: &str, before: &str, found: &mut Vec<String>) {
    let tree = tree.trim();
    let Some(open) = tree.find('{') else {
        let path: String = tree.split_whitespace().take_while(|word| *word != "as").collect();
        let path = path.trim_end_matches("::self");
        if !path.is_empty() {
            let alone = path == "self" && !before.is_empty();
            found.push(if alone {
                before.trim_end_matches("::").to_owned()
            } else {
                format!("{before}{path}")
            });
        }
        return;
    };
    let prefix: String = tree[..open].split_whitespace().collect();
    let group = &tree[open + 1..open + block_length(&tree[open..]) - 1];
    let (mut depth, mut from) = (0, 0);
    for (at, c) in group.char_indices().chain([(group.len(), ',')]) {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                expand(&group[from..at], &format!("{before}{prefix}"), found);
                from = at + 1;
            }
            _ => {}
        }
    }
}

fn is_pure(file: &Source) -> bool {
    PURE.iter().any(|pure| file.path == *pure || pure.ends_with('/') && file.path.starts_with(pure))
}

#[test]
fn the_modules_that_apply_entries_name_nothing_impure() {
    let (mut found, mut used, mut files) = (Vec::new(), BTreeSet::new(), 0);
    for file in sources("src").iter().filter(|file| is_pure(file)) {
        files += 1;
        let allowed: Vec<_> = ALLOWED.iter().filter(|(path, _)| *path == file.path).collect();
        for impurity in impurities(&file.product) {
            match allowed.iter().find(|(_, path)| impurity.starts_with(&format!("{path}:"))) {
                Some(allowed) => drop(used.insert(**allowed)),
                None => found.push(format!("{}: {impurity}", file.path)),
            }
        }
    }
    assert!(files > 100, "the pure files were found: {files}");
    super::assert_none("impure names in pure modules", found);
    let unused = ALLOWED.iter().filter(|allowed| !used.contains(allowed));
    super::assert_none(
        "allowances that nothing needs",
        unused.map(|(path, what)| format!("{path}: {what}")).collect(),
    );
}

#[test]
fn every_way_out_of_a_pure_module_is_detected() {
    let mut texts: Vec<String> = [
        "use std::time::{Duration, Instant};",
        "use std::time::SystemTime; fn now() { SystemTime::now(); }",
        "fn f() { let t = std :: time :: Instant :: now(); }",
        "fn f(at: Moment) -> Duration { at.elapsed() }",
        "use std::{collections::{BTreeMap, HashMap}, fs, io};",
        "fn f() { std::fs::read(path) }",
        "use std::{self as s};",
        "use std as s;",
        "use std::*;",
        "pub use std::net::TcpStream;",
        "fn f() { ::std::thread::spawn(work); }",
        "use std::thread::{self, Builder};",
        "fn f() { thread::sleep(time); }",
        "fn f() { tokio::time::sleep(time).await }",
        "use tokio::sync::mpsc;",
        "use crate::env::Clock;",
        "use crate::{error::CommandError, env::{Disk, Random}};",
        "use super::super::env::Background;",
        "use super::{super::env::Background, Args};",
        "fn f() { rand::random::<u64>() }",
        "use std::hash::RandomState;",
        "fn f() { std::collections::hash_map::RandomState::new() }",
        "fn f() { Vec::<std::fs::File>::new() }",
        "fn f() { getrandom::fill(&mut bytes) }",
        "use crate::testkit::SimDisk;",
    ]
    .map(str::to_owned)
    .to_vec();
    texts.extend(PATHS.iter().map(|(door, _)| format!("use {door}::something;")));
    texts.extend(NAMES.iter().map(|(name, _)| format!("fn f(it: {name}) {{}}")));
    texts.extend(CALLS.iter().map(|(call, _)| format!("fn f() {{ it{call}); }}")));
    let missed = texts.into_iter().filter(|text| impurities(text).is_empty());
    super::assert_none("texts that should have been rejected", missed.collect());
}

#[test]
fn pure_code_is_accepted() {
    for text in [
        "use std::time::Duration;",
        "use std::{cell::Cell, collections::HashMap, sync::Arc};",
        "use core::net::IpAddr;",
        "use crate::random::Random;",
        "use futures_util::future::BoxFuture;",
        "fn f(node: &dyn Node) { node.sleep(time).await }",
        "fn f() { let rest = env!(\"CARGO_PKG_VERSION\"); Instantly::new(); profile.brand() }",
    ] {
        assert_eq!(impurities(text), BTreeSet::new(), "{text}");
    }
}

#[test]
fn use_trees_are_expanded() {
    let code = "use a::{b, c::{d, self}, e::*}; f::<g::h>(); i as j";
    assert_eq!(paths(code), ["use", "a::b", "a::c::d", "a::c", "a::e::*", "f", "g::h", "i", "j"]);
}
