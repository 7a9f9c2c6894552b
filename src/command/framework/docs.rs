//! Builds the replies of `COMMAND INFO` and `COMMAND DOCS` for a row.

use bytes::Bytes;

use super::key_spec::{KeySpec, Usage};
use super::row::{Group, Route, Row};
use super::subcommands::Subcommand;
use super::syntax::{self, Argument};
use crate::resp::Reply;

/// The name of the module RedisJSON, as HELLO and MODULE LIST report it.
const MODULE: &str = "ReJSON";

/// The ten fields of `COMMAND INFO`.
pub fn info(name: &str, row: &Row) -> Reply {
    let keys = if row.is_container() { KeySpec::NONE } else { row.spec.keys };
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
        Reply::Array(keys.ranges(usual(row)).into_iter().map(key_specification).collect()),
        Reply::Array(row.subcommands.iter().map(|one| subcommand_info(row, *one)).collect()),
    ])
}

/// Like [`info`], for a subcommand.
pub fn subcommand_info(row: &Row, one: Subcommand) -> Reply {
    info(&one.full_name(&row.spec), &one.alone(row))
}

/// The use of the keys of a row that does not state one.
fn usual(row: &Row) -> Usage {
    match row.route {
        Route::Write { .. } => Usage::READ_AND_UPDATED,
        _ => Usage::READ,
    }
}

/// The flags for the key at a position of a request with these words.
pub fn key_flags(row: &Row, words: &[Bytes], position: usize) -> &'static [&'static str] {
    let mut ranges = row.spec.keys.ranges(usual(row)).into_iter();
    let covers = |keys: &KeySpec| keys.positions(position + 1).any(|at| at == position) || keys.last < 0;
    let range = ranges.find(|(keys, _)| covers(keys)).expect("every key is in a range of its row");
    match range.1 {
        Usage::VARIABLE => variable(row, words).0,
        Usage(flags) => flags,
    }
}

/// The use of the key of SET and BITFIELD, which depends on the request.
fn variable(row: &Row, words: &[Bytes]) -> Usage {
    let has =
        |from: usize, option: &[u8]| words.iter().skip(from).any(|word| word.eq_ignore_ascii_case(option));
    match row.spec.name {
        // The options follow the key and the value; with GET, the old value is the reply.
        "SET" if has(3, b"GET") => Usage::READ_AND_UPDATED,
        "SET" => Usage::REPLACED,
        // SET and INCRBY reply with what was there or is there now.
        _ if has(2, b"SET") || has(2, b"INCRBY") => Usage::READ_AND_UPDATED,
        _ => Usage::READ,
    }
}

/// The positions and flags of keys in the newer form, which Redis 7 introduced besides first, last
/// and step.
fn key_specification((keys, Usage(flags)): (KeySpec, Usage)) -> Reply {
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

/// The name and the description of a command: one pair of the map that `COMMAND DOCS` returns.
pub fn docs(name: &str, row: &Row) -> (Reply, Reply) {
    let mut pairs = vec![
        (Reply::word("summary"), Reply::word(row.spec.summary)),
        (Reply::word("since"), Reply::word(row.spec.since)),
        (Reply::word("group"), Reply::word(row.spec.group.name())),
    ];
    if !row.spec.complexity.is_empty() {
        pairs.push((Reply::word("complexity"), Reply::word(row.spec.complexity)));
    }
    if row.spec.group == Group::Json {
        pairs.push((Reply::word("module"), Reply::word(MODULE)));
    }
    let inner: Vec<(Reply, Reply)> = row.subcommands.iter().map(|one| subcommand_docs(row, *one)).collect();
    let arguments = syntax::arguments(row.spec.syntax);
    if !inner.is_empty() {
        pairs.push((Reply::word("subcommands"), Reply::Map(inner)));
    } else if !arguments.is_empty() {
        pairs.push((Reply::word("arguments"), Reply::Array(arguments.iter().map(describe).collect())));
    }
    (Reply::bulk(name.to_ascii_lowercase()), Reply::Map(pairs))
}

/// Like [`docs`], for a subcommand.
pub fn subcommand_docs(row: &Row, one: Subcommand) -> (Reply, Reply) {
    docs(&one.full_name(&row.spec), &one.alone(row))
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
