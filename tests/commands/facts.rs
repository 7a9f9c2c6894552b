//! What COMMAND says agrees with what Redis says of the same commands, but for the differences
//! below.

use std::collections::BTreeSet;

use bytes::Bytes;
use jsonvault::resp::{Protocol, Reply};

use crate::vault::Vault;

/// What Redis 7.4 says, a command on a line.
const FACTS: &str = include_str!("../data/redis-commands.tsv");
const FIELDS: [&str; 9] =
    ["name", "arity", "flags", "categories", "positions", "keys", "since", "group", "complexity"];

/// Where something else is true here: command, field, what is said, why.
const DIFFERENCES: &[(&str, &str, &str, &str)] = &[
    ("monitor", "flags", "admin,loading,no_multi,noscript,stale", NO_LISTENING),
    ("psubscribe", "flags", "loading,no_multi,noscript,pubsub,stale", NO_LISTENING),
    ("punsubscribe", "flags", "loading,no_multi,noscript,pubsub,stale", NO_LISTENING),
    ("ssubscribe", "flags", "loading,no_multi,noscript,pubsub,stale", NO_LISTENING),
    ("subscribe", "flags", "loading,no_multi,noscript,pubsub,stale", NO_LISTENING),
    ("sunsubscribe", "flags", "loading,no_multi,noscript,pubsub,stale", NO_LISTENING),
    ("unsubscribe", "flags", "loading,no_multi,noscript,pubsub,stale", NO_LISTENING),
    ("shutdown", "complexity", "O(1)", "every write is on disk, so nothing is saved at the end"),
    ("wait", "flags", "blocking,no_multi", NO_WAITING),
    ("waitaof", "flags", "blocking,no_multi", NO_WAITING),
];
const NO_LISTENING: &str = "refused in a transaction, in which Redis lets one begin to listen";
const NO_WAITING: &str = "refused in a transaction, in which Redis answers at once without waiting";

fn text(reply: &Reply) -> String {
    match reply {
        Reply::Bulk(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        Reply::Simple(text) => (*text).to_string(),
        Reply::Integer(number) => number.to_string(),
        other => panic!("{other:?} is no text"),
    }
}

fn items(reply: &Reply) -> &[Reply] {
    match reply {
        Reply::Array(items) | Reply::Set(items) => items,
        other => panic!("{other:?} is no list"),
    }
}

fn field<'a>(reply: &'a Reply, name: &str) -> Option<&'a Reply> {
    let Reply::Map(pairs) = reply else { panic!("{reply:?} is no map") };
    pairs.iter().find(|(key, _)| text(key) == name).map(|(_, value)| value)
}

/// As it stands in the file: sorted, with commas between.
fn words(reply: &Reply) -> String {
    let words: BTreeSet<String> =
        items(reply).iter().map(|word| text(word).trim_start_matches('@').to_string()).collect();
    if words.is_empty() { "-".to_string() } else { words.into_iter().collect::<Vec<_>>().join(",") }
}

fn keys(specification: &Reply) -> String {
    let inner = |name: &str, of: &str| {
        let spec = field(field(specification, name).unwrap(), "spec").unwrap();
        text(field(spec, of).unwrap())
    };
    let numbers =
        [inner("begin_search", "index"), inner("find_keys", "lastkey"), inner("find_keys", "keystep")];
    format!("{} {}", numbers.join(":"), words(field(specification, "flags").unwrap()))
}

/// The different O(..) of a text, without spaces.
fn growth(text: &str) -> String {
    let mut found: Vec<String> = Vec::new();
    for (begin, _) in text.match_indices("O(") {
        let mut depth = 0;
        let end = text[begin..].char_indices().find(|(_, mark)| {
            depth += i32::from(*mark == '(') - i32::from(*mark == ')');
            *mark == ')' && depth == 0
        });
        let (end, _) = end.expect("what is opened is closed");
        let one = text[begin..=begin + end].replace(' ', "");
        if !found.contains(&one) {
            found.push(one);
        }
    }
    if found.is_empty() { "-".to_string() } else { found.join(" ") }
}

/// What is said here of a command, in the fields of the file.
fn said(vault: &mut Vault, name: &str) -> Vec<String> {
    let mut ask = |subcommand: &str| {
        let words = ["COMMAND", subcommand, name].map(|word| Bytes::copy_from_slice(word.as_bytes()));
        vault.call(&words)
    };
    let (info, docs) = (ask("INFO"), ask("DOCS"));
    let info = items(&items(&info)[0]);
    let docs = field(&docs, name).unwrap_or_else(|| panic!("{name} is not described"));
    let specifications: Vec<String> = items(&info[8]).iter().map(keys).collect();
    let told = |field_name: &str| field(docs, field_name).map(text).unwrap_or_default();
    vec![
        text(&info[0]),
        text(&info[1]),
        words(&info[2]),
        words(&info[6]),
        [3, 4, 5].map(|at: usize| text(&info[at])).join(":"),
        if specifications.is_empty() { "-".to_string() } else { specifications.join("; ") },
        told("since"),
        told("group"),
        growth(&told("complexity")),
    ]
}

#[test]
fn commands_are_described_as_redis_describes_them() {
    let mut vault = Vault::new();
    vault.begin(Protocol::Resp3);
    let mut differences: BTreeSet<(&str, &str)> = BTreeSet::new();
    let lines = FACTS.lines().filter(|line| !line.starts_with('#'));
    for line in lines {
        let facts: Vec<&str> = line.split('\t').collect();
        assert_eq!(facts.len(), FIELDS.len(), "{line}");
        for ((name, fact), said) in FIELDS.into_iter().zip(&facts).zip(said(&mut vault, facts[0])) {
            let known = DIFFERENCES.iter().find(|one| (one.0, one.1) == (facts[0], name));
            match known {
                Some((command, name, here, _)) => {
                    assert_eq!(said, *here, "{command}: {name}");
                    assert_ne!(said, *fact, "{command}: {name} is no difference");
                    differences.insert((command, name));
                }
                None => assert_eq!(said, *fact, "{}: {name}", facts[0]),
            }
        }
    }
    assert_eq!(differences.len(), DIFFERENCES.len(), "each difference is one of a command of the file");
}

#[test]
fn every_command_that_is_no_container_says_what_it_costs() {
    let mut vault = Vault::new();
    vault.begin(Protocol::Resp3);
    let docs = vault.call(&["COMMAND", "DOCS"].map(|word| Bytes::from_static(word.as_bytes())));
    let Reply::Map(commands) = docs else { panic!("COMMAND DOCS is a map") };
    for (name, described) in &commands {
        let name = text(name);
        let module = field(described, "module").map(text);
        assert_eq!(
            module.as_deref() == Some("ReJSON"),
            text(field(described, "group").unwrap()) == "module",
            "{name}"
        );
        // MONITOR costs as much as all others do.
        assert!(name == "monitor" || field(described, "complexity").is_some(), "{name}");
    }
}
