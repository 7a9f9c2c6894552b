//! The writes of each release, as its log holds them: `tests/formats/<release>/writes.txt` has at
//! least one line for each code, with the body in hexadecimal and the request.
//!
//! A log keeps these bytes for ever, and nodes of two releases apply the same log. So a request has
//! to keep its body, and a command that needs another one needs another code. A file is never
//! changed after its release.

use bytes::Bytes;

use super::{Batch, BatchReader, Transaction};
use crate::command::{Context, Route, Row, SeedSource, codes, table};
use crate::keyspace::Key;
use crate::resp::Protocol;
use crate::testkit::{hex, release_file};

/// The leader's time in the entries of the files.
const TIME_MS: u64 = 1_750_000_000_000;

const REQUESTS: &[&str] = &[
    "DEL a b",
    "UNLINK a",
    "FLUSHALL",
    "REAP a b",
    "EXPIRE k 100 NX",
    "PEXPIRE k 100",
    "EXPIREAT k 1750000100 GT",
    "PEXPIREAT k 1750000100000",
    "PERSIST k",
    "RENAME a b",
    "RENAMENX a b",
    "COPY a b REPLACE",
    "SET k v",
    "SET k v EX 100 NX GET",
    "SET k v PXAT 1750000100000",
    "SET k v KEEPTTL XX",
    "SETNX k v",
    "SETEX k 100 v",
    "PSETEX k 100 v",
    "MSET a 1 b 2",
    "MSETNX a 1 b 2",
    "APPEND k v",
    "GETDEL k",
    "GETEX k EX 100",
    "GETEX k PERSIST",
    "INCR k",
    "DECR k",
    "INCRBY k -300",
    "DECRBY k 300",
    "INCRBYFLOAT k 1.5",
    "GETSET k v",
    "SETRANGE k 3 v",
    "BITFIELD k SET u8 0 255 OVERFLOW SAT INCRBY i5 100 1 GET u4 0",
    "QSET k a.b 1",
    "MERGE k {\"c\":1}",
    "DELETE k",
    "JSON.SET k $ {\"a\":[1,-1,1.5,\"text\",true,null,18446744073709551615],\"b\":{}}",
    "JSON.SET k $.a 1 NX",
    "JSON.DEL k $.a",
    "JSON.MERGE k $ {\"a\":null}",
    "JSON.NUMINCRBY k $.a 1.5",
    "JSON.NUMMULTBY k $.a 2",
    "JSON.NUMPOWBY k $.a 2",
    "JSON.MSET a $ 1 b $.x 2",
    "JSON.TOGGLE k $.a",
    "JSON.STRAPPEND k $.a \"text\"",
    "JSON.ARRAPPEND k $.a 1 \"two\"",
    "JSON.ARRINSERT k $.a -1 1 2",
    "JSON.ARRTRIM k $.a 1 -2",
    "JSON.ARRPOP k $.a 0",
    "JSON.CLEAR k $.a",
    "JSON.ARRREM k $.a 1",
    "JSON.PATCH k [{\"op\":\"add\",\"path\":\"/a\",\"value\":1}]",
    "LPUSH k a b",
    "RPUSH k a b",
    "LPUSHX k a",
    "RPUSHX k a",
    "LPOP k 2",
    "RPOP k",
    "LSET k -1 v",
    "LREM k -2 v",
    "LTRIM k 1 -2",
    "LINSERT k BEFORE a b",
    "RPOPLPUSH a b",
    "LMOVE a b LEFT RIGHT",
    "SADD k a b",
    "SREM k a b",
    "SPOP k 2",
    "SMOVE a b c",
    "HSET k f v g w",
    "HMSET k f v",
    "HSETNX k f v",
    "HDEL k f g",
    "HINCRBY k f -300",
    "HINCRBYFLOAT k f 1.5",
    "ZADD k GT CH 1.5 a -inf b",
    "ZINCRBY k 1.5 a",
    "ZPOPMIN k 2",
    "ZPOPMAX k",
    "ZREM k a b",
    "ZREMRANGEBYRANK k 0 -1",
    "ZREMRANGEBYSCORE k (1 +inf",
    "ZREMRANGEBYLEX k [a (c",
    "ACL.SETUSER alice 30c952fab122c3f9759f02a6d95c3758b246b4fee239957b2d4fee46e26170c4 on >pw ~a %R~b &c +@read -get +config|get (~d +set)",
    "ACL.DELUSER alice bob",
];

/// The file of the first release.
fn v0_1() -> String {
    release_file("v0.1/writes.txt")
}

fn context() -> Context {
    let seed = SeedSource::Fixed(300);
    Context { protocol: Protocol::Resp3, now_ms: 1, document_bytes_max: 64 << 20, seed }
}

fn row(name: &[u8]) -> &'static Row {
    let internal = table::INTERNAL.iter().find(|row| row.spec.name.as_bytes() == name);
    internal.or_else(|| table::find(name)).expect("the table has the command")
}

fn words(line: &str) -> Vec<Bytes> {
    line.split(' ').map(|word| Bytes::copy_from_slice(word.as_bytes())).collect()
}

/// The batches of the file, each with its request.
fn batches() -> Vec<(String, Batch)> {
    let one = |request: &&str| {
        let (words, mut batch) = (words(request), Batch::new());
        batch
            .push(row(&words[0]), &words[1..], &context())
            .unwrap_or_else(|error| panic!("{request}: {error}"));
        (request.to_string(), batch)
    };
    let mut batches: Vec<(String, Batch)> = REQUESTS.iter().map(one).collect();
    let watched = vec![(Key::from(&b"a"[..]), Some(300)), (Key::from(&b"b"[..]), None)];
    let mut transaction = Transaction::new(watched, Protocol::Resp3);
    for request in ["SET k v", "GET k"] {
        let words = words(request);
        transaction.push(row(&words[0]), &words, &context()).unwrap();
    }
    let mut batch = Batch::new();
    batch.push_transaction(&transaction).unwrap();
    batches.push(("WATCH a b; MULTI; SET k v; GET k; EXEC".to_string(), batch));
    batches
}

fn line((request, batch): &(String, Batch)) -> String {
    let entry = Batch::encode(std::iter::once(batch), TIME_MS);
    let (code, body) = BatchReader::new(&entry).unwrap().next().unwrap().unwrap();
    format!("{code} {} {request}\n", hex(body))
}

#[test]
fn the_writes_of_the_first_release_are_logged_as_they_were() {
    let logged: String = batches().iter().map(line).collect();
    assert!(logged == v0_1(), "{logged}");
    let entry = Batch::encode([&batches()[0].1].into_iter(), TIME_MS);
    // The version, the time, the number of commands; of the command the length, the code, the body.
    let parts = ["01", "00dc207497010000", "01000000", "05000000", "0100", "0201610162"];
    assert_eq!(hex(&entry), parts.concat());
}

#[test]
fn every_code_of_the_first_release_is_read() {
    let mut codes: Vec<u16> = codes::USED.iter().map(|(code, _)| *code).collect();
    codes.push(codes::TRANSACTION);
    for line in v0_1().lines() {
        let mut parts = line.splitn(3, ' ');
        let code: u16 = parts.next().unwrap().parse().unwrap();
        let digits = parts.next().unwrap();
        let body: Vec<u8> = (0..digits.len())
            .step_by(2)
            .map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap())
            .collect();
        let framed = [&(body.len() as u32).to_le_bytes()[..], &code.to_le_bytes(), &body].concat();
        assert!(Batch::from_wire(1, &framed).is_ok(), "{line}");
        assert!(
            code == codes::TRANSACTION || matches!(table::by_code(code).unwrap().route, Route::Write { .. })
        );
        codes.retain(|known| *known != code);
    }
    assert!(codes.is_empty(), "the file has no line for {codes:?}");
}
