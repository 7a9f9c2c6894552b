//! Checks which commands count as changes for WATCH, for caching clients and for subscribers of
//! keyspace events.
//!
//! Each row has the events of one command after a setup. The rows of Redis' own commands were
//! checked against Redis 7.0. For document commands, setting a value counts as a change even if the
//! new value is equal, as with SET. Removing counts as a change only if something was removed.

use jsonvault::resp::Value;

use crate::harness::client::text_of;
use crate::harness::{Client, TestNode};

const KEYS: [&str; 4] = ["k", "d", "x", "y"];

const TEXT: &str = "SET k v";
const LASTING: &str = "SET k v EX 1000";
const LIST: &str = "RPUSH k a b c";
const SET: &str = "SADD k a b c";
const HASH: &str = "HSET k f 1 g 2";
const SORTED: &str = "ZADD k 1 a 2 b 3 c";
const JSON: &str = r#"JSON.SET k $ '{"n":1,"t":"a","b":true,"a":[1,2],"e":[],"o":{"m":1},"z":0}'"#;

/// A setup, a command, and the events for the keys that the command changes.
type Row<'a> = (&'a str, &'a str, &'a [&'a str]);

const LISTS: &[Row<'_>] = &[
    (LIST, "LTRIM k 0 -1", &["ltrim k"]),
    (LIST, "LTRIM k 0 1", &["ltrim k"]),
    (LIST, "LTRIM k 5 9", &["ltrim k", "del k"]),
    ("", "LTRIM k 0 -1", &[]),
    (LIST, "LREM k 0 nosuch", &[]),
    (LIST, "LREM k 0 a", &["lrem k"]),
    (LIST, "LSET k 0 a", &["lset k"]),
    (LIST, "LSET k 9 z", &[]),
    (LIST, "LINSERT k BEFORE nosuch z", &[]),
    (LIST, "LINSERT k BEFORE b z", &["linsert k"]),
    (LIST, "LPUSHX k z", &["lpush k"]),
    (LIST, "RPUSHX k z", &["rpush k"]),
    ("", "LPUSHX k z", &[]),
    ("", "RPUSH k z", &["new k", "rpush k"]),
    (LIST, "LPOP k 0", &[]),
    (LIST, "RPOP k", &["rpop k"]),
    (LIST, "LPOP k 9", &["lpop k", "del k"]),
    (LIST, "RPOPLPUSH k k", &["lpush k", "rpop k"]),
    (LIST, "LMOVE k k LEFT RIGHT", &["rpush k", "lpop k"]),
    ("RPUSH k a", "LMOVE k k LEFT LEFT", &["lpush k", "lpop k"]),
    (LIST, "LMOVE k d LEFT LEFT", &["new d", "lpush d", "lpop k"]),
    ("RPUSH k a", "RPOPLPUSH k d", &["new d", "lpush d", "rpop k", "del k"]),
    ("", "RPOPLPUSH k d", &[]),
];

const SETS_AND_HASHES: &[Row<'_>] = &[
    (SET, "SADD k a", &[]),
    (SET, "SADD k a z", &["sadd k"]),
    (SET, "SREM k nosuch", &[]),
    (SET, "SREM k a b c", &["srem k", "del k"]),
    (SET, "SMOVE k d nosuch", &[]),
    (SET, "SMOVE k k a", &[]),
    (SET, "SMOVE k d a", &["srem k", "new d", "sadd d"]),
    ("SADD k a b|SADD d a", "SMOVE k d a", &["srem k"]),
    (SET, "SPOP k 0", &[]),
    (SET, "SPOP k 9", &["spop k", "del k"]),
    (HASH, "HSET k f 1", &["hset k"]),
    (HASH, "HMSET k f 1", &["hset k"]),
    (HASH, "HSETNX k f 9", &[]),
    (HASH, "HSETNX k n 9", &["hset k"]),
    (HASH, "HDEL k nosuch", &[]),
    (HASH, "HDEL k f g", &["hdel k", "del k"]),
    (HASH, "HINCRBY k f 0", &["hincrby k"]),
    (HASH, "HINCRBYFLOAT k f 0", &["hincrbyfloat k"]),
];

const SORTED_SETS: &[Row<'_>] = &[
    (SORTED, "ZADD k 1 a", &[]),
    (SORTED, "ZADD k 5 a", &["zadd k"]),
    (SORTED, "ZADD k NX 5 a", &[]),
    (SORTED, "ZADD k XX 5 nosuch", &[]),
    (SORTED, "ZADD k GT 0 a", &[]),
    (SORTED, "ZADD k LT 5 a", &[]),
    (SORTED, "ZADD k INCR 0 a", &[]),
    (SORTED, "ZADD k 1 a 9 n", &["zadd k"]),
    (SORTED, "ZINCRBY k 0 a", &[]),
    (SORTED, "ZINCRBY k 1 a", &["zincr k"]),
    ("", "ZINCRBY k 0 a", &["new k", "zincr k"]),
    (SORTED, "ZREM k nosuch", &[]),
    (SORTED, "ZREM k a b c", &["zrem k", "del k"]),
    (SORTED, "ZPOPMIN k 0", &[]),
    (SORTED, "ZPOPMAX k", &["zpopmax k"]),
    (SORTED, "ZREMRANGEBYRANK k 5 9", &[]),
    (SORTED, "ZREMRANGEBYRANK k 0 -1", &["zremrangebyrank k", "del k"]),
    (SORTED, "ZREMRANGEBYSCORE k 50 90", &[]),
];

const STRINGS: &[Row<'_>] = &[
    (TEXT, "SET k v", &["set k"]),
    (TEXT, "SET k w NX", &[]),
    (TEXT, "SET k w NX GET", &[]),
    ("", "SET k w XX", &[]),
    (TEXT, "SET k v GET", &["set k"]),
    (TEXT, "SET k v EX 10", &["set k", "expire k"]),
    (TEXT, "SETNX k v", &[]),
    (TEXT, "GETSET k v", &["set k"]),
    (TEXT, "APPEND k ''", &["append k"]),
    (TEXT, "SETRANGE k 0 ''", &[]),
    (TEXT, "SETRANGE k 0 v", &["setrange k"]),
    (TEXT, "BITFIELD k GET u8 0", &[]),
    (TEXT, "BITFIELD k SET u1 0 0", &[]),
    (TEXT, "BITFIELD k SET u1 0 1", &["setbit k"]),
    (TEXT, "BITFIELD k OVERFLOW FAIL INCRBY u1 0 9", &[]),
    ("", "BITFIELD k GET u8 0", &[]),
    ("", "BITFIELD k SET u8 0 0", &["new k", "setbit k"]),
    (TEXT, "GETDEL k", &["del k"]),
    (TEXT, "GETEX k", &[]),
    (TEXT, "GETEX k PERSIST", &[]),
    (LASTING, "GETEX k PERSIST", &["persist k"]),
    (TEXT, "GETEX k EX 100", &["expire k"]),
    (TEXT, "GETEX k PXAT 1", &["del k"]),
    (TEXT, "MSETNX k v x 1", &[]),
    (TEXT, "MSET k v x 1", &["set k", "new x", "set x"]),
    ("SET k 5", "INCRBY k 0", &["incrby k"]),
    ("SET k 5", "INCRBYFLOAT k 0", &["incrbyfloat k"]),
    ("SET k 5", "INCRBY k 9223372036854775807", &[]),
    (LIST, "APPEND k x", &[]),
];

const EVERY_KIND: &[Row<'_>] = &[
    (TEXT, "DEL k k nosuch", &["del k"]),
    (TEXT, "DEL nosuch", &[]),
    (TEXT, "RENAME k k", &[]),
    (TEXT, "RENAMENX k k", &[]),
    (TEXT, "RENAME nosuch d", &[]),
    (TEXT, "RENAME k d", &["new d", "rename_from k", "rename_to d"]),
    ("SET k v|SET d w", "RENAME k d", &["new d", "rename_from k", "rename_to d"]),
    (TEXT, "RENAMENX k d", &["new d", "rename_from k", "rename_to d"]),
    ("SET k v|SET d w", "RENAMENX k d", &[]),
    (TEXT, "COPY k d", &["new d", "copy_to d"]),
    ("SET k v|SET d w", "COPY k d", &[]),
    ("SET k v|SET d w", "COPY k d REPLACE", &["new d", "copy_to d"]),
    (TEXT, "TOUCH k", &[]),
    (TEXT, "PERSIST k", &[]),
    (LASTING, "PERSIST k", &["persist k"]),
    (TEXT, "EXPIRE k 100", &["expire k"]),
    (TEXT, "EXPIRE k 100 XX", &[]),
    (TEXT, "EXPIRE k 0", &["del k"]),
    (LASTING, "EXPIRE k 1000 NX", &[]),
    (LASTING, "EXPIRE k 5000 LT", &[]),
];

const DOCUMENTS: &[Row<'_>] = &[
    (JSON, "JSON.SET k $.n 1", &["json.set k"]),
    (JSON, "JSON.SET k $.n 1 NX", &[]),
    (JSON, "JSON.SET k $.no.such 1", &[]),
    (JSON, "JSON.SET k $.n 1 IFEQ 2", &[]),
    ("", "JSON.SET k $ 1", &["new k", "json.set k"]),
    (JSON, "JSON.MSET k $.n 1 d $ 2", &["json.mset k", "new d", "json.mset d"]),
    (JSON, r#"JSON.MERGE k $.o '{"m":1}'"#, &["json.merge k"]),
    (JSON, "JSON.MERGE k $.no.such 1", &[]),
    (JSON, "JSON.DEL k $.nosuch", &[]),
    (JSON, "JSON.DEL k $.n", &["json.del k"]),
    (JSON, "JSON.NUMINCRBY k $.n 0", &["json.numincrby k"]),
    (JSON, "JSON.NUMINCRBY k $.t 1", &[]),
    (JSON, "JSON.NUMMULTBY k $.nosuch 2", &[]),
    (JSON, "JSON.STRAPPEND k $.t '\"\"'", &["json.strappend k"]),
    (JSON, "JSON.STRAPPEND k $.n '\"b\"'", &[]),
    (JSON, "JSON.TOGGLE k $.b", &["json.toggle k"]),
    (JSON, "JSON.TOGGLE k $.n", &[]),
    (JSON, "JSON.CLEAR k $.a", &["json.clear k"]),
    (JSON, "JSON.CLEAR k $.e", &[]),
    (JSON, "JSON.CLEAR k $.z", &[]),
    (JSON, "JSON.ARRAPPEND k $.e 1", &["json.arrappend k"]),
    (JSON, "JSON.ARRAPPEND k $.n 1", &[]),
    (JSON, "JSON.ARRINSERT k $.a 0 1", &["json.arrinsert k"]),
    (JSON, "JSON.ARRINSERT k $.a 9 1", &[]),
    (JSON, "JSON.ARRPOP k $.a", &["json.arrpop k"]),
    (JSON, "JSON.ARRPOP k $.e", &[]),
    (JSON, "JSON.ARRPOP k $.n", &[]),
    (JSON, "JSON.ARRPOP k $..[?(@.no)]", &[]),
    (JSON, "JSON.ARRPOP k $.*", &["json.arrpop k"]),
    (JSON, "JSON.ARRTRIM k $.a 0 0", &["json.arrtrim k"]),
    (JSON, "JSON.ARRTRIM k $.a 0 -1", &[]),
    (JSON, "JSON.ARRTRIM k $.e 0 -1", &[]),
    (JSON, "JSON.ARRREM k $.a 2", &["json.arrrem k"]),
    (JSON, "JSON.ARRREM k $.a 9", &[]),
    (JSON, r#"JSON.PATCH k '[{"op":"test","path":"/n","value":1}]'"#, &[]),
    (JSON, "JSON.PATCH k []", &[]),
    (JSON, r#"JSON.PATCH k '[{"op":"add","path":"/n","value":1}]'"#, &["json.patch k"]),
    (JSON, r#"JSON.PATCH k '[{"op":"add","path":"/q","value":1},{"op":"remove","path":"/r"}]'"#, &[]),
    (JSON, "DELETE k", &["del k"]),
    (JSON, "DELETE nosuch", &[]),
];

/// The clients that observe changes in each of the three ways.
struct Observers {
    operator: Client,
    watching: Client,
    listening: Client,
    caching: Client,
}

impl Observers {
    fn at(node: &TestNode) -> Observers {
        let (mut operator, mut listening, mut caching) = (node.client(), node.client(), node.client());
        operator.ok("CONFIG SET notify-keyspace-events EAn");
        listening.ask("PSUBSCRIBE __keyevent@0__:*");
        caching.ask("HELLO 3");
        caching.ok("CLIENT TRACKING ON BCAST");
        Observers { operator, watching: node.client(), listening, caching }
    }

    /// All events that the subscriber has received, in the form `event key`.
    fn events(&mut self) -> Vec<String> {
        // This message is received after all events, so they have arrived when it does.
        self.operator.ask("PUBLISH __keyevent@0__:fence fence");
        let mut events = Vec::new();
        loop {
            let message = self.listening.receive().unwrap();
            let words: Vec<String> = message.items().unwrap().iter().filter_map(text_of).collect();
            let event = words[2].strip_prefix("__keyevent@0__:").unwrap();
            if event == "fence" {
                return events;
            }
            events.push(format!("{event} {}", words[3]));
        }
    }

    /// The keys that the caching client was told to invalidate.
    fn invalidated(&mut self) -> Vec<String> {
        let mut keys = Vec::new();
        self.caching.send(&["PING"]).unwrap();
        while let Value::Push(message) = self.caching.receive().unwrap() {
            keys.extend(message[1].items().unwrap_or_default().iter().filter_map(text_of));
        }
        keys.sort();
        keys.dedup();
        keys
    }

    fn check(&mut self, (setup, command, expected): Row<'_>) -> Option<String> {
        self.operator.ok("FLUSHALL");
        setup.split('|').filter(|line| !line.is_empty()).for_each(|line| drop(self.operator.ask(line)));
        let mut watch = vec!["WATCH"];
        watch.extend(KEYS);
        self.watching.call(&watch);
        self.events();
        self.invalidated();
        let reply = self.operator.ask(command);
        let (events, mut invalidated) = (self.events(), self.invalidated());
        self.watching.ok("MULTI");
        self.watching.text("PING");
        let holds = self.watching.ask("EXEC") != Value::Null;
        let mut keys: Vec<String> =
            expected.iter().map(|event| event.split(' ').next_back().unwrap().to_owned()).collect();
        keys.sort();
        keys.dedup();
        invalidated.retain(|key| KEYS.contains(&key.as_str()));
        let as_expected = events == expected && invalidated == keys && holds == expected.is_empty();
        (!as_expected).then(|| {
            format!("{setup} | {command}: {reply:?}\n    events {events:?}, not {expected:?}; invalidated {invalidated:?}; WATCH holds: {holds}")
        })
    }
}

#[test]
fn what_counts_as_a_change_is_the_same_for_all_observers() {
    let node = TestNode::started();
    let mut observers = Observers::at(&node);
    let tables = [LISTS, SETS_AND_HASHES, SORTED_SETS, STRINGS, EVERY_KIND, DOCUMENTS];
    let wrong: Vec<String> = tables.concat().into_iter().filter_map(|row| observers.check(row)).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
