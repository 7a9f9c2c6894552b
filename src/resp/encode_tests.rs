use bytes::{Bytes, BytesMut};
use proptest::prelude::*;

use super::super::limits::Limits;
use super::super::reader::{ReplyDecoder, Value};
use super::*;
use crate::error::CommandError;

fn text(reply: &Reply, protocol: Protocol) -> String {
    let mut out = Vec::new();
    encode(reply, protocol, &mut out);
    out.escape_ascii().to_string()
}

#[test]
fn every_reply_is_encoded_in_both_protocols() {
    let one = || vec![Reply::Integer(1)];
    let cases = [
        (Reply::OK, "+OK\r\n", "+OK\r\n"),
        (Reply::Error(CommandError::SYNTAX), "-ERR syntax error\r\n", "-ERR syntax error\r\n"),
        (Reply::Integer(i64::MIN), ":-9223372036854775808\r\n", ":-9223372036854775808\r\n"),
        (Reply::Double(1.5), "$3\r\n1.5\r\n", ",1.5\r\n"),
        (Reply::Double(f64::NEG_INFINITY), "$4\r\n-inf\r\n", ",-inf\r\n"),
        (Reply::Boolean(true), ":1\r\n", "#t\r\n"),
        (Reply::Boolean(false), ":0\r\n", "#f\r\n"),
        (Reply::word("a\r\nb"), "$4\r\na\r\nb\r\n", "$4\r\na\r\nb\r\n"),
        (Reply::word(""), "$0\r\n\r\n", "$0\r\n\r\n"),
        (Reply::Verbatim(Bytes::from("Some")), "$4\r\nSome\r\n", "=8\r\ntxt:Some\r\n"),
        (Reply::Null, "$-1\r\n", "_\r\n"),
        (Reply::NullArray, "*-1\r\n", "_\r\n"),
        (Reply::Array(vec![]), "*0\r\n", "*0\r\n"),
        (Reply::Array(vec![Reply::Array(one())]), "*1\r\n*1\r\n:1\r\n", "*1\r\n*1\r\n:1\r\n"),
        (Reply::Set(one()), "*1\r\n:1\r\n", "~1\r\n:1\r\n"),
        (Reply::Push(one()), "*1\r\n:1\r\n", ">1\r\n:1\r\n"),
        (
            Reply::Map(vec![(Reply::word("k"), Reply::Null)]),
            "*2\r\n$1\r\nk\r\n$-1\r\n",
            "%1\r\n$1\r\nk\r\n_\r\n",
        ),
    ];
    for (reply, resp2, resp3) in cases {
        assert_eq!(text(&reply, Protocol::Resp2), resp2.escape_debug().to_string(), "{reply:?}");
        assert_eq!(text(&reply, Protocol::Resp3), resp3.escape_debug().to_string(), "{reply:?}");
    }
}

#[test]
fn a_text_of_the_operating_system_cannot_break_the_line() {
    let reply = Reply::Unavailable(Unavailable::DiskFull("no\r\n+OK".to_owned()));
    let line = text(&reply, Protocol::Resp2);
    assert!(line.starts_with("-MISCONF") && line.ends_with("no  +OK\\r\\n"), "{line}");
}

/// The value that a client should read for a reply, as the documentation of [`Reply`] states it.
fn expected(reply: &Reply, protocol: Protocol) -> Value {
    let resp3 = protocol == Protocol::Resp3;
    let all = |items: &[Reply]| items.iter().map(|item| expected(item, protocol)).collect::<Vec<_>>();
    match reply {
        Reply::Simple(text) => Value::Simple(Bytes::from_static(text.as_bytes())),
        Reply::Error(error) => Value::Error(error.line().to_owned()),
        Reply::Unavailable(unavailable) => Value::Error(unavailable.to_string()),
        Reply::Integer(value) => Value::Integer(*value),
        Reply::Double(value) if resp3 => Value::Double(*value),
        Reply::Double(value) => {
            let mut text = String::new();
            write_double(*value, &mut text);
            Value::Bulk(text.into())
        }
        Reply::Boolean(value) if resp3 => Value::Boolean(*value),
        Reply::Boolean(value) => Value::Integer(i64::from(*value)),
        Reply::Verbatim(bytes) if resp3 => Value::Verbatim(bytes.clone()),
        Reply::Bulk(bytes) | Reply::Verbatim(bytes) => Value::Bulk(bytes.clone()),
        Reply::Null | Reply::NullArray => Value::Null,
        Reply::Set(items) if resp3 => Value::Set(all(items)),
        Reply::Push(items) if resp3 => Value::Push(all(items)),
        Reply::Array(items) | Reply::Set(items) | Reply::Push(items) => Value::Array(all(items)),
        Reply::Several(_) => unreachable!("several replies have no single value"),
        Reply::Map(pairs) if resp3 => Value::Map(
            pairs.iter().map(|(key, value)| (expected(key, protocol), expected(value, protocol))).collect(),
        ),
        Reply::Map(pairs) => {
            Value::Array(pairs.iter().flat_map(|(key, value)| all(&[key.clone(), value.clone()])).collect())
        }
    }
}

fn any_reply() -> impl Strategy<Value = Reply> {
    let leaf = prop_oneof![
        Just(Reply::OK),
        Just(Reply::Null),
        Just(Reply::NullArray),
        Just(Reply::from(Unavailable::Uncertain)),
        any::<String>().prop_map(|text| Reply::Error(CommandError::new(format!("ERR {text}")))),
        any::<i64>().prop_map(Reply::Integer),
        any::<bool>().prop_map(Reply::Boolean),
        any::<f64>().prop_filter("equal to itself", |value| !value.is_nan()).prop_map(Reply::Double),
        any::<Vec<u8>>().prop_map(Reply::bulk),
        any::<Vec<u8>>().prop_map(|bytes| Reply::Verbatim(bytes.into())),
    ];
    // redis-protocol stores sets and maps in hash tables, so their keys have to be distinct and
    // must not be containers.
    let keys = prop::collection::btree_set("[a-z]{1,6}", 0..4);
    leaf.prop_recursive(4, 40, 5, move |inner| {
        let items = || prop::collection::vec(inner.clone(), 0..5);
        prop_oneof![
            items().prop_map(Reply::Array),
            items().prop_map(Reply::Push),
            keys.clone().prop_map(|keys| Reply::Set(keys.into_iter().map(Reply::bulk).collect())),
            (keys.clone(), prop::collection::vec(inner.clone(), 4)).prop_map(|(keys, values)| Reply::Map(
                keys.into_iter().map(Reply::bulk).zip(values).collect()
            )),
        ]
    })
}

proptest! {
    #[test]
    fn redis_protocol_reads_back_what_was_encoded(replies in prop::collection::vec(any_reply(), 1..4), step in 1usize..40) {
        for protocol in [Protocol::Resp2, Protocol::Resp3] {
            let mut out = Vec::new();
            replies.iter().for_each(|reply| encode(reply, protocol, &mut out));
            let mut decoder = ReplyDecoder::new(Limits::DEFAULT);
            let (mut buffer, mut values) = (BytesMut::new(), Vec::new());
            for piece in out.chunks(step) {
                buffer.extend_from_slice(piece);
                while let Some(value) = decoder.decode(&mut buffer).unwrap() {
                    values.push(value);
                }
            }
            let expected: Vec<Value> = replies.iter().map(|reply| expected(reply, protocol)).collect();
            prop_assert_eq!(values, expected);
            prop_assert!(buffer.is_empty());
        }
    }
}
