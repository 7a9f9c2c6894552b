//! Checks that COMMAND describes each command as Redis does, except for the differences listed
//! below.

use std::collections::BTreeSet;

use bytes::Bytes;
use jsonvault::resp::{Protocol, Reply};

use crate::vault::Vault;

/// The descriptions of Redis 7.4, one command per line.
const FACTS: &str = include_str!("../data/redis-commands.tsv");
const FIELDS: [&str; 9] =
    ["name", "arity", "flags", "categories", "positions", "keys", "since", "group", "complexity"];

/// The differences from Redis: command, field, our description, reason.
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
const NO_LISTENING: &str = "refused in a transaction, where Redis allows a subscription";
const NO_WAITING: &str = "refused in a transaction, where Redis replies at once without waiting";

fn text(reply: &Reply) -> String {
    match reply {
        Reply::Bulk(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        Reply::Simple(text) => (*text).to_string(),
        Reply::Integer(number) => number.to_string(),
        other => panic!("{other:?} is not a text"),
    }
}

fn items(reply: &Reply) -> &[Reply] {
    match reply {
        Reply::Array(items) | Reply::Set(items) => items,
        other => panic!("{other:?} is not a list"),
    }
}

fn field<'a>(reply: &'a Reply, name: &str) -> Option<&'a Reply> {
    let Reply::Map(pairs) = reply else { panic!("{reply:?} is not a map") };
    pairs.iter().find(|(key, _)| text(key) == name).map(|(_, value)| value)
}

/// The words of a reply in the format of the file: sorted and separated by commas.
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

/// The distinct O(..) terms of a text, without spaces.
fn growth(text: &str) -> String {
    let mut found: Vec<String> = Vec::new();
    for (begin, _) in text.match_indices("O(") {
        let mut depth = 0;
        let end = text[begin..].char_indices().find(|(_, mark)| {
            depth += i32::from(*mark == '(') - i32::from(*mark == ')');
            *mark == ')' && depth == 0
        });
        let (end, _) = end.expect("parentheses are balanced");
        let one = text[begin..=begin + end].replace(' ', "");
        if !found.contains(&one) {
            found.push(one);
        }
    }
    if found.is_empty() { "-".to_string() } else { found.join(" ") }
}

/// Our description of a command, in the fields of the file.
fn description(vault: &mut Vault, name: &str) -> Vec<String> {
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
fn commands_are_described_as_in_redis() {
    let mut vault = Vault::new();
    vault.begin(Protocol::Resp3);
    let mut differences: BTreeSet<(&str, &str)> = BTreeSet::new();
    let lines = FACTS.lines().filter(|line| !line.starts_with('#'));
    for line in lines {
        let facts: Vec<&str> = line.split('\t').collect();
        assert_eq!(facts.len(), FIELDS.len(), "{line}");
        for ((name, fact), said) in FIELDS.into_iter().zip(&facts).zip(description(&mut vault, facts[0])) {
            let known = DIFFERENCES.iter().find(|one| (one.0, one.1) == (facts[0], name));
            match known {
                Some((command, name, here, _)) => {
                    assert_eq!(said, *here, "{command}: {name}");
                    assert_ne!(said, *fact, "{command}: {name} differs from Redis");
                    differences.insert((command, name));
                }
                None => assert_eq!(said, *fact, "{}: {name}", facts[0]),
            }
        }
    }
    assert_eq!(differences.len(), DIFFERENCES.len(), "each difference is of a command in the file");
}

#[test]
fn every_command_without_subcommands_has_a_complexity() {
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
        // MONITOR has no complexity of its own, because its cost is that of all other commands.
        assert!(name == "monitor" || field(described, "complexity").is_some(), "{name}");
    }
}
