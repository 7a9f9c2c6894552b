//! What `COMMAND INFO` and `COMMAND DOCS` say of a row.

use super::row::{KeySpec, Route, Row, Spec};
use super::subcommands::{self, Subcommand};
use super::syntax::{self, Argument};
use crate::resp::Reply;

/// The ten fields of `COMMAND INFO`.
pub fn info(name: &str, row: &Row) -> Reply {
    let keys = row.spec.keys;
    let words = |words: &[&'static str]| Reply::Set(words.iter().map(|word| Reply::Simple(word)).collect());
    Reply::Array(vec![
        Reply::bulk(name.to_ascii_lowercase()),
        Reply::Integer(i64::from(row.spec.arity)),
        words(&row.words()),
        Reply::Integer(i64::from(keys.first)),
        Reply::Integer(i64::from(keys.last)),
        Reply::Integer(i64::from(keys.step)),
        words(&row.categories()),
        Reply::Array(Vec::new()),
        Reply::Array(if keys.first == 0 { Vec::new() } else { vec![key_specification(row)] }),
        Reply::Array(subcommands::of(row).into_iter().map(|one| subcommand_info(row, one)).collect()),
    ])
}

/// As [`info`], of one subcommand: what it does not say itself is as for its container.
pub fn subcommand_info(row: &Row, one: Subcommand) -> Reply {
    let Reply::Array(mut fields) = info(&one.full_name(&row.spec), &Row { spec: alone(row, one), ..*row })
    else {
        unreachable!("the information is an array");
    };
    assert_eq!(fields.len(), 10, "the fields of COMMAND INFO");
    fields[1] = Reply::Integer(i64::from(one.arity()));
    Reply::Array(fields)
}

/// The row's spec, narrowed to one subcommand.
fn alone(row: &Row, one: Subcommand) -> Spec {
    let has_key = syntax::arguments(one.syntax).iter().any(|argument| argument.kind == syntax::Kind::Key);
    let keys = if has_key { row.spec.keys } else { KeySpec::NONE };
    Spec { syntax: one.syntax, keys, ..row.spec }
}

/// The flags that go with the keys of a row.
pub fn key_flags(row: &Row) -> &'static [&'static str] {
    match row.route {
        Route::Write { .. } => &["RW", "access", "update"],
        _ => &["RO", "access"],
    }
}

/// Where the keys stand, in the form that replaced first, last and step in Redis 7.
fn key_specification(row: &Row) -> Reply {
    let keys = row.spec.keys;
    let flags = key_flags(row);
    let last = if keys.last < 0 { keys.last } else { keys.last - keys.first };
    let map = |pairs: Vec<(&'static str, Reply)>| {
        Reply::Map(pairs.into_iter().map(|(name, value)| (Reply::word(name), value)).collect())
    };
    let begin = map(vec![
        ("type", Reply::word("index")),
        ("spec", map(vec![("index", Reply::Integer(i64::from(keys.first)))])),
    ]);
    let find = map(vec![
        ("type", Reply::word("range")),
        (
            "spec",
            map(vec![
                ("lastkey", Reply::Integer(i64::from(last))),
                ("keystep", Reply::Integer(i64::from(keys.step))),
                ("limit", Reply::Integer(0)),
            ]),
        ),
    ]);
    map(vec![
        ("flags", Reply::Set(flags.iter().map(|flag| Reply::Simple(flag)).collect())),
        ("begin_search", begin),
        ("find_keys", find),
    ])
}

/// The name and the description of one command, as `COMMAND DOCS` answers them.
pub fn docs(name: &str, row: &Row) -> (Reply, Reply) {
    let mut pairs = vec![
        (Reply::word("summary"), Reply::word(row.spec.summary)),
        (Reply::word("since"), Reply::word(row.spec.since)),
        (Reply::word("group"), Reply::word(row.spec.group.name())),
    ];
    let inner: Vec<(Reply, Reply)> =
        subcommands::of(row).into_iter().map(|one| subcommand_docs(row, one)).collect();
    let arguments = syntax::arguments(row.spec.syntax);
    if !inner.is_empty() {
        pairs.push((Reply::word("subcommands"), Reply::Map(inner)));
    } else if !arguments.is_empty() {
        pairs.push((Reply::word("arguments"), Reply::Array(arguments.iter().map(describe).collect())));
    }
    (Reply::bulk(name.to_ascii_lowercase()), Reply::Map(pairs))
}

/// As [`docs`], of one subcommand.
pub fn subcommand_docs(row: &Row, one: Subcommand) -> (Reply, Reply) {
    docs(&one.full_name(&row.spec), &Row { spec: alone(row, one), ..*row })
}

fn describe(argument: &Argument) -> Reply {
    let mut pairs = vec![
        (Reply::word("name"), Reply::bulk(argument.name.clone())),
        (Reply::word("type"), Reply::word(argument.kind.name())),
    ];
    if argument.parts.is_empty() && argument.kind != syntax::Kind::PureToken {
        pairs.push((Reply::word("display_text"), Reply::bulk(argument.name.clone())));
    }
    if argument.kind == syntax::Kind::Key {
        pairs.push((Reply::word("key_spec_index"), Reply::Integer(0)));
    }
    if let Some(token) = &argument.token {
        pairs.push((Reply::word("token"), Reply::bulk(token.clone())));
    }
    let flags = [("optional", argument.optional), ("multiple", argument.multiple)];
    let flags: Vec<Reply> =
        flags.iter().filter(|(_, set)| *set).map(|(flag, _)| Reply::Simple(flag)).collect();
    if !flags.is_empty() {
        pairs.push((Reply::word("flags"), Reply::Set(flags)));
    }
    if !argument.parts.is_empty() {
        pairs.push((Reply::word("arguments"), Reply::Array(argument.parts.iter().map(describe).collect())));
    }
    Reply::Map(pairs)
}
