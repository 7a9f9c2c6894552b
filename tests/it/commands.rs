//! Checks that the server's description of its commands agrees with the table.

use std::collections::BTreeSet;

use jsonvault::command::{KeySpec, Row, table::ROWS};
use jsonvault::resp::Value;

use crate::harness::{Client, TestNode};

/// Every name in the table, in lower case, with its row.
fn names() -> impl Iterator<Item = (String, Row)> {
    ROWS.iter().flat_map(Row::names).map(|(name, row)| (name.to_ascii_lowercase(), row))
}

fn texts(value: &Value) -> BTreeSet<String> {
    let items = value.items().unwrap_or_else(|| panic!("{value:?} is not a list"));
    items.iter().map(|item| String::from_utf8_lossy(item.text().unwrap()).into_owned()).collect()
}

#[test]
fn command_count_and_list_have_every_name() {
    let node = TestNode::started();
    let mut client = node.client();
    assert_eq!(client.integer("COMMAND COUNT"), names().count() as i64);
    let (subcommands, listed): (BTreeSet<String>, BTreeSet<String>) =
        texts(&client.ask("COMMAND LIST")).into_iter().partition(|name| name.contains('|'));
    assert_eq!(listed, names().map(|(name, _)| name).collect());
    assert!(subcommands.contains("slowlog|get"), "{subcommands:?}");
}

#[test]
fn command_info_has_arity_keys_and_categories_of_every_name() {
    let node = TestNode::started();
    let mut client = node.client();
    let all = client.ask("COMMAND");
    assert_eq!(all.items().unwrap().len(), names().count());
    for (name, row) in names() {
        let reply = client.ask(&format!("COMMAND INFO {name}"));
        let info = reply.items().unwrap()[0].items().unwrap().to_vec();
        let keys = if row.is_container() { KeySpec::NONE } else { row.spec.keys };
        assert_eq!(info[0].text().unwrap(), name.as_bytes());
        let numbers = [row.spec.arity, keys.first, keys.last, keys.step];
        let told = [&info[1], &info[3], &info[4], &info[5]];
        for (number, told) in numbers.into_iter().zip(told) {
            assert_eq!(*told, Value::Integer(i64::from(number)), "{name}");
        }
        assert!(texts(&info[6]).iter().all(|category| category.starts_with('@')), "{name}: {info:?}");
        assert_eq!(info.len(), 10, "{name}");
        assert!(all.items().unwrap().contains(&Value::Array(info)), "{name}");
    }
    assert_eq!(client.ask("COMMAND INFO nosuch"), Value::Array(vec![Value::Null]));
}

#[test]
fn command_docs_has_a_summary_of_every_name() {
    let node = TestNode::started();
    let mut client = node.client();
    client.ask("HELLO 3");
    let all = client.ask("COMMAND DOCS");
    let told: BTreeSet<String> = all
        .pairs()
        .unwrap()
        .iter()
        .map(|(name, _)| String::from_utf8_lossy(name.text().unwrap()).into_owned())
        .collect();
    assert_eq!(told, names().map(|(name, _)| name).collect());
    for (name, row) in names() {
        let docs = client.ask(&format!("COMMAND DOCS {name}"));
        let pairs = docs.pairs().unwrap();
        let fields = pairs[0].1.pairs().unwrap();
        let field = |wanted: &str| {
            let found = fields.iter().find(|(key, _)| key.text().is_some_and(|text| text == wanted));
            found.map(|(_, value)| String::from_utf8_lossy(value.text().unwrap()).into_owned())
        };
        assert_eq!(field("summary").as_deref(), Some(row.spec.summary), "{name}");
        assert_eq!(field("group").as_deref(), Some(row.spec.group.name()), "{name}");
        assert_eq!(field("since").as_deref(), Some(row.spec.since), "{name}");
    }
    assert_eq!(client.ask("COMMAND DOCS nosuch"), Value::Map(Vec::new()));
}

#[test]
fn command_getkeys_finds_the_keys_of_every_row() {
    let node = TestNode::started();
    let mut client = node.client();
    for (name, row) in names() {
        let length = (row.spec.arity.unsigned_abs() as usize).max(1);
        let words: Vec<String> =
            std::iter::once(name.clone()).chain((1..length).map(|number| format!("word{number}"))).collect();
        let expected: BTreeSet<String> =
            row.spec.keys.positions(words.len()).map(|position| words[position].clone()).collect();
        let request = [["COMMAND", "GETKEYS"].map(str::to_owned).to_vec(), words].concat();
        match client.call(&request) {
            Value::Error(line) => {
                assert_eq!(line, "ERR The command has no key arguments", "{name}");
                assert!(expected.is_empty(), "{name}");
            }
            reply => assert_eq!(texts(&reply), expected, "{name}"),
        }
    }
    assert_eq!(client.text("COMMAND GETKEYS nosuch a"), "ERR Invalid command specified");
}

fn call_with(client: &mut Client, name: &str, words: usize) -> Value {
    let request: Vec<&str> = std::iter::once(name).chain(std::iter::repeat_n("1", words - 1)).collect();
    client.call(&request)
}

#[test]
fn every_row_refuses_a_wrong_number_of_words() {
    let node = TestNode::started();
    let mut client = node.client();
    let mut refused = 0;
    for row in ROWS {
        let arity = row.spec.arity.unsigned_abs() as usize;
        let name = row.spec.name;
        // A refused EXEC also ends its transaction, and has an error text of its own.
        let kind = if name == "EXEC" { "EXECABORT Transaction discarded because of:" } else { "ERR" };
        let name_told = name.to_ascii_lowercase();
        let expected = format!("{kind} wrong number of arguments for '{name_told}' command");
        let too_many = (row.spec.arity > 0).then_some(arity + 1);
        for words in [Some(arity - 1).filter(|words| *words > 0), too_many].into_iter().flatten() {
            assert_eq!(call_with(&mut client, name, words), Value::Error(expected.clone()), "{words} words");
            refused += 1;
        }
    }
    assert!(refused > ROWS.len() / 2);
    assert_eq!(client.integer("DBSIZE"), 0);
}

#[test]
fn an_unknown_command_has_the_error_of_redis() {
    let node = TestNode::started();
    let mut client = node.client();
    let cases = [
        ("nosuch", "ERR unknown command 'nosuch', with args beginning with: "),
        ("NoSuch a $.b", "ERR unknown command 'NoSuch', with args beginning with: 'a' '$.b' "),
        ("SENTINEL masters", "ERR unknown command 'SENTINEL', with args beginning with: 'masters' "),
    ];
    for (line, expected) in cases {
        assert_eq!(client.text(line), expected);
    }
    let long = "x".repeat(10_000);
    let told = client.text(&format!("{long} {long}"));
    assert!(told.len() < 400, "an error is short, not {} bytes", told.len());
    assert!(client.text("COMMAND NOSUCH").starts_with("ERR unknown subcommand"));
}
