//! Runs the fuzz targets as tests, on random inputs and on valid ones with a few changed bytes.

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

/// Valid inputs, which the mutations change.
const REQUESTS: [&[u8]; 5] = [
    b"\x03*3\r\n$8\r\nJSON.GET\r\n$1\r\nk\r\n$3\r\n$.a\r\n*1\r\n$4\r\nPING\r\n",
    b"\x05PING\r\nset k 'a \\'quoted\\' word'\r\nGET \"\\x41\"\r\n",
    b"\x01%1\r\n+server\r\n$5\r\nredis\r\n~2\r\n:1\r\n,1.5\r\n_\r\n#t\r\n",
    b"\x02*-1\r\n$-1\r\n-ERR no\r\n(12345678901234567890\r\n=6\r\ntxt:ab\r\n",
    b"\x07>2\r\n+invalidate\r\n*1\r\n$1\r\nk\r\n",
];

const TEXTS: [&[u8]; 4] = [
    br#"{"a":{"b":[1,2.5,-3e-7,"text",true,null]},"\u00e9\n":"\ud83d\ude00","n":18446744073709551615}"#,
    b" [ [ ] , { } , -0 , 1E400 , 0.1 , \"\\\\\\\"\" ] ",
    br#"{"a":1,"b":2,"a":{"c":[[[[[[]]]]]]}}"#,
    "\"gr\u{fc}\u{df}e \u{1f600}\"".as_bytes(),
];

const PATHS: [&[u8]; 8] = [
    b"$.a.b[?(@ > 1 && @ <= 2.5 || @ == \"text\")]",
    b"$..a[-1:],",
    b"$['a','e'][0:2:1]",
    b"$..[?(@.price > $.items[0].price && @.tags size 2)]",
    b"$.items[?@.tags[0] =~ \"^x.*\"].price",
    b".a.b",
    b"$[0]..[1]",
    b"$.items.length()",
];

fn cases(count: u32) -> ProptestConfig {
    ProptestConfig { cases: count, failure_persistence: None, ..ProptestConfig::default() }
}

/// One of `valid` with some bytes overwritten, inserted or removed.
fn mutated(valid: Vec<Vec<u8>>) -> impl Strategy<Value = Vec<u8>> {
    let change = (any::<prop::sample::Index>(), any::<u8>(), 0u8..4);
    (prop::sample::select(valid), vec(change, 0..5)).prop_map(|(mut bytes, changes)| {
        for (at, byte, kind) in changes {
            let at = at.index(bytes.len() + 1);
            match kind {
                0 => bytes.insert(at, byte),
                1 if at < bytes.len() => drop(bytes.remove(at)),
                2 => bytes.truncate(at),
                _ if at < bytes.len() => bytes[at] = byte,
                _ => {}
            }
        }
        bytes
    })
}

fn owned(valid: &[&[u8]]) -> Vec<Vec<u8>> {
    valid.iter().map(|bytes| bytes.to_vec()).collect()
}

fn any_bytes() -> impl Strategy<Value = Vec<u8>> {
    vec(any::<u8>(), 0..200)
}

/// Valid inputs: JSON texts, encoded documents, and a batch of two commands.
fn documents() -> Vec<Vec<u8>> {
    let mut valid = owned(&TEXTS);
    valid.extend(PARSED.iter().map(|document| document.encoded().to_vec()));
    valid.push(b"\x01\0\0\0\0\0\0\0\0\x02\0\0\0\x03\0\0\0\x07\0abc\x01\0\0\0\x08\0d".to_vec());
    valid
}

/// A valid stream of two snapshot records, one with a document and one with a string.
fn records() -> Vec<Vec<u8>> {
    use crate::keyspace::{Entry, Value};
    let entry = |value| Entry { value, expires_ms: None, version: 7 };
    let mut stream = vec![40];
    crate::machine::write_head(&mut stream, 7);
    for value in [Value::Json(PARSED[0].clone()), Value::Text(b"text".as_slice().into())] {
        crate::machine::write_record(&mut stream, b"key", entry(value).borrowed());
    }
    vec![stream]
}

proptest! {
    #![proptest_config(cases(30_000))]

    #[test]
    fn requests_and_replies_of_any_bytes(data in any_bytes()) {
        resp(&data);
    }

    #[test]
    fn mutated_requests_and_replies(data in mutated(owned(&REQUESTS))) {
        resp(&data);
    }

    #[test]
    fn documents_of_any_bytes(data in any_bytes()) {
        document(&data);
    }

    #[test]
    fn mutated_documents(data in mutated(documents())) {
        document(&data);
    }

    #[test]
    fn paths_of_any_bytes(data in any_bytes()) {
        path(&data);
    }

    #[test]
    fn mutated_paths(data in mutated(owned(&PATHS))) {
        path(&data);
    }
}

proptest! {
    #![proptest_config(cases(4000))]

    #[test]
    fn logs_with_changed_bytes(data in vec(any::<u8>(), 0..24)) {
        log_record(&data);
    }

    #[test]
    fn logs_with_one_changed_byte(data in any::<[u8; 4]>()) {
        log_record(&data);
    }

    #[test]
    fn snapshots_with_changed_bytes(data in vec(any::<u8>(), 0..24)) {
        snapshot(&data);
    }

    #[test]
    fn mutated_records(data in mutated(records())) {
        snapshot(&data);
    }
}
