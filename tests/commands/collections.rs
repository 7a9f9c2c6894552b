//! Runs random commands on lists, sets, hashes and sorted sets, and compares the results with
//! collections of the standard library. Compares them again after a restore from a snapshot.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use jsonvault::keyspace::Scope;
use jsonvault::resp::{Protocol, Reply};
use proptest::prelude::*;

use crate::vault::Vault;

const KINDS: [&str; 4] = ["list", "set", "hash", "zset"];

/// The expected content of the keys; there is one key of each type.
#[derive(Default)]
struct Model {
    list: Vec<String>,
    set: BTreeSet<String>,
    hash: BTreeMap<String, String>,
    zset: BTreeMap<String, i64>,
}

#[derive(Clone, Debug)]
enum Step {
    Push { left: bool, element: String },
    Pop { left: bool, count: usize },
    Set { index: usize, element: String },
    Remove { count: i64, element: String },
    Trim { start: i64, stop: i64 },
    Sadd(String),
    Srem(String),
    Spop(usize),
    Hset(String, String),
    Hdel(String),
    Hincrby(String, i64),
    Zadd(String, i64),
    Zincrby(String, i64),
    Zrem(String),
    Zpop { highest: bool, count: usize },
    Zremrangebyscore(i64, i64),
}

fn step() -> impl Strategy<Value = Step> {
    let name = || (0..40u8).prop_map(|number| format!("m{number}"));
    let score = || -6..6i64;
    prop_oneof![
        6 => (any::<bool>(), name()).prop_map(|(left, element)| Step::Push { left, element }),
        2 => (any::<bool>(), 0..4usize).prop_map(|(left, count)| Step::Pop { left, count }),
        1 => (0..9usize, name()).prop_map(|(index, element)| Step::Set { index, element }),
        1 => (-2..3i64, name()).prop_map(|(count, element)| Step::Remove { count, element }),
        1 => (-9..9i64, -9..9i64).prop_map(|(start, stop)| Step::Trim { start, stop }),
        6 => name().prop_map(Step::Sadd),
        2 => name().prop_map(Step::Srem),
        1 => (0..4usize).prop_map(Step::Spop),
        6 => (name(), name()).prop_map(|(field, value)| Step::Hset(field, value)),
        2 => name().prop_map(Step::Hdel),
        1 => (name(), score()).prop_map(|(field, by)| Step::Hincrby(field, by)),
        6 => (name(), score()).prop_map(|(member, score)| Step::Zadd(member, score)),
        2 => (name(), score()).prop_map(|(member, by)| Step::Zincrby(member, by)),
        2 => name().prop_map(Step::Zrem),
        1 => (any::<bool>(), 0..4usize).prop_map(|(highest, count)| Step::Zpop { highest, count }),
        1 => (score(), score()).prop_map(|(min, max)| Step::Zremrangebyscore(min, max)),
    ]
}

fn text(bytes: &Bytes) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn ask(vault: &mut Vault, line: &str) -> Reply {
    vault.call(&line.split(' ').map(|word| Bytes::copy_from_slice(word.as_bytes())).collect::<Vec<_>>())
}

/// The texts of a reply that has several elements. Scores are converted to text.
fn texts(reply: Reply) -> Vec<String> {
    let one = |reply: Reply| match reply {
        Reply::Bulk(bytes) => text(&bytes),
        Reply::Double(score) => score.to_string(),
        other => panic!("not a text: {other:?}"),
    };
    match reply {
        Reply::Array(replies) | Reply::Set(replies) => replies.into_iter().map(one).collect(),
        Reply::Map(pairs) => pairs.into_iter().flat_map(|(field, value)| [one(field), one(value)]).collect(),
        Reply::NullArray => Vec::new(),
        other => panic!("not a list: {other:?}"),
    }
}

impl Step {
    fn line(&self) -> String {
        let end = |left: &bool| if *left { 'L' } else { 'R' };
        match self {
            Step::Push { left, element } => format!("{}PUSH list {element}", end(left)),
            Step::Pop { left, count } => format!("{}POP list {count}", end(left)),
            Step::Set { index, element } => format!("LSET list {index} {element}"),
            Step::Remove { count, element } => format!("LREM list {count} {element}"),
            Step::Trim { start, stop } => format!("LTRIM list {start} {stop}"),
            Step::Sadd(member) => format!("SADD set {member}"),
            Step::Srem(member) => format!("SREM set {member}"),
            Step::Spop(count) => format!("SPOP set {count}"),
            Step::Hset(field, value) => format!("HSET hash {field} {value}"),
            Step::Hdel(field) => format!("HDEL hash {field}"),
            Step::Hincrby(field, by) => format!("HINCRBY hash {field} {by}"),
            Step::Zadd(member, score) => format!("ZADD zset {score} {member}"),
            Step::Zincrby(member, by) => format!("ZINCRBY zset {by} {member}"),
            Step::Zrem(member) => format!("ZREM zset {member}"),
            Step::Zpop { highest: true, count } => format!("ZPOPMAX zset {count}"),
            Step::Zpop { highest: false, count } => format!("ZPOPMIN zset {count}"),
            Step::Zremrangebyscore(min, max) => format!("ZREMRANGEBYSCORE zset {min} {max}"),
        }
    }
}

impl Model {
    /// Applies the step to the model, and compares the reply with the result.
    fn check(&mut self, step: &Step, reply: Reply) {
        let whole = |yes: usize| Reply::Integer(yes as i64);
        match step {
            Step::Sadd(member) => assert_eq!(reply, whole(usize::from(self.set.insert(member.clone())))),
            Step::Srem(member) => assert_eq!(reply, whole(usize::from(self.set.remove(member)))),
            Step::Spop(count) => {
                let taken = texts(reply);
                assert_eq!(taken.len(), *count.min(&self.set.len()));
                assert!(taken.iter().all(|member| self.set.remove(member)));
            }
            Step::Hset(field, value) => {
                let new = self.hash.insert(field.clone(), value.clone()).is_none();
                assert_eq!(reply, whole(usize::from(new)));
            }
            Step::Hdel(field) => {
                assert_eq!(reply, whole(usize::from(self.hash.remove(field).is_some())));
            }
            Step::Hincrby(field, by) => {
                match self.hash.get(field).map_or(Ok(0), |value| value.parse::<i64>()) {
                    Ok(before) => {
                        assert_eq!(reply, Reply::Integer(before + by));
                        self.hash.insert(field.clone(), (before + by).to_string());
                    }
                    Err(_) => assert!(reply.is_error()),
                }
            }
            Step::Push { .. }
            | Step::Pop { .. }
            | Step::Set { .. }
            | Step::Remove { .. }
            | Step::Trim { .. } => {
                self.check_list(step, reply);
            }
            _ => self.check_sorted(step, reply),
        }
    }

    fn check_list(&mut self, step: &Step, reply: Reply) {
        let list = &mut self.list;
        match step {
            Step::Push { left, element } => {
                list.insert(if *left { 0 } else { list.len() }, element.clone());
                assert_eq!(reply, Reply::Integer(list.len() as i64));
            }
            Step::Pop { left, count } => {
                let count = *count.min(&list.len());
                let mut taken: Vec<String> = match left {
                    true => list.drain(..count).collect(),
                    false => list.drain(list.len() - count..).collect(),
                };
                if !left {
                    taken.reverse();
                }
                assert_eq!(texts(reply), taken);
            }
            Step::Set { index, element } => match list.get_mut(*index) {
                Some(place) => *place = element.clone(),
                None => assert!(reply.is_error()),
            },
            Step::Remove { count, element } => {
                let mut places: Vec<usize> =
                    (0..list.len()).filter(|&place| list[place] == *element).collect();
                if *count < 0 {
                    places.reverse();
                }
                places.truncate(if *count == 0 { usize::MAX } else { count.unsigned_abs() as usize });
                places.sort_unstable();
                places.iter().rev().for_each(|&place| drop(list.remove(place)));
                assert_eq!(reply, Reply::Integer(places.len() as i64));
            }
            Step::Trim { start, stop } => {
                let length = list.len() as i64;
                let from = |index: &i64| if *index < 0 { index + length } else { *index };
                let (start, stop) = (from(start), from(stop));
                let mut place = -1;
                list.retain(|_| {
                    place += 1;
                    start <= place && place <= stop
                });
            }
            other => panic!("not a command of lists: {other:?}"),
        }
    }

    fn sorted(&self) -> Vec<(i64, String)> {
        let mut all: Vec<_> = self.zset.iter().map(|(member, score)| (*score, member.clone())).collect();
        all.sort();
        all
    }

    fn check_sorted(&mut self, step: &Step, reply: Reply) {
        match step {
            Step::Zadd(member, score) => {
                let new = self.zset.insert(member.clone(), *score).is_none();
                assert_eq!(reply, Reply::Integer(i64::from(new)));
            }
            Step::Zincrby(member, by) => {
                let score = self.zset.entry(member.clone()).or_default();
                *score += by;
                assert_eq!(reply, Reply::Double(*score as f64));
            }
            Step::Zrem(member) => {
                let there = self.zset.remove(member).is_some();
                assert_eq!(reply, Reply::Integer(i64::from(there)));
            }
            Step::Zpop { highest, count } => {
                let mut all = self.sorted();
                if *highest {
                    all.reverse();
                }
                all.truncate(*count);
                for (_, member) in &all {
                    self.zset.remove(member);
                }
                let wanted: Vec<String> =
                    all.into_iter().flat_map(|(score, member)| [member, score.to_string()]).collect();
                assert_eq!(texts(reply), wanted);
            }
            Step::Zremrangebyscore(min, max) => {
                let before = self.zset.len();
                self.zset.retain(|_, score| *score < *min || *score > *max);
                assert_eq!(reply, Reply::Integer((before - self.zset.len()) as i64));
            }
            other => panic!("not a command of sorted sets: {other:?}"),
        }
    }

    /// Compares the whole content, which is read with commands, with the model.
    fn check_all(&self, vault: &mut Vault) {
        assert_eq!(texts(ask(vault, "LRANGE list 0 -1")), self.list);
        let members: BTreeSet<String> = texts(ask(vault, "SMEMBERS set")).into_iter().collect();
        assert_eq!(members, self.set);
        let pairs = texts(ask(vault, "HGETALL hash"));
        let pairs = pairs.chunks_exact(2).map(|pair| (pair[0].clone(), pair[1].clone()));
        assert_eq!(pairs.collect::<BTreeMap<_, _>>(), self.hash);
        let wanted: Vec<String> =
            self.sorted().into_iter().flat_map(|(score, member)| [member, score.to_string()]).collect();
        assert_eq!(texts(ask(vault, "ZRANGE zset 0 -1 WITHSCORES")), wanted);
        let lengths = [self.list.len(), self.set.len(), self.hash.len(), self.zset.len()];
        for (length, (kind, command)) in
            lengths.iter().zip(KINDS.iter().zip(["LLEN", "SCARD", "HLEN", "ZCARD"]))
        {
            assert_eq!(ask(vault, &format!("{command} {kind}")), Reply::Integer(*length as i64));
            assert_eq!(ask(vault, &format!("EXISTS {kind}")), Reply::Integer(i64::from(*length > 0)));
        }
        for (rank, (_, member)) in self.sorted().iter().enumerate() {
            assert_eq!(ask(vault, &format!("ZRANK zset {member}")), Reply::Integer(rank as i64));
        }
    }
}

fn digest(vault: &Vault) -> u128 {
    vault.keyspace().view(Scope::ManyKeys, 0).digest()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn collections_agree_with_plain_ones_before_and_after_a_snapshot(
        before in prop::collection::vec(step(), 0..120),
        after in prop::collection::vec(step(), 0..40),
    ) {
        let (mut vault, mut model) = (Vault::new(), Model::default());
        vault.begin(Protocol::Resp2);
        for step in &before {
            let reply = ask(&mut vault, &step.line());
            model.check(step, reply);
        }
        model.check_all(&mut vault);
        let mut restored = vault.restored();
        prop_assert_eq!(digest(&restored), digest(&vault));
        for step in &after {
            let reply = ask(&mut vault, &step.line());
            prop_assert_eq!(&reply, &ask(&mut restored, &step.line()), "{:?}", step);
            model.check(step, reply);
        }
        model.check_all(&mut restored);
        prop_assert_eq!(digest(&restored), digest(&vault));
    }
}

#[test]
fn a_large_set_is_popped_in_the_same_order_after_a_snapshot() {
    let mut vault = Vault::new();
    vault.begin(Protocol::Resp2);
    for number in 0..2000 {
        ask(&mut vault, &format!("SADD set m{number}"));
        ask(&mut vault, &format!("HSET hash f{number} v"));
    }
    for number in (0..2000).step_by(7) {
        ask(&mut vault, &format!("SREM set m{number}"));
        ask(&mut vault, &format!("HDEL hash f{number}"));
    }
    let mut restored = vault.restored();
    for line in [
        "SPOP set",
        "SPOP set 100",
        "SPOP set 1500",
        "SRANDMEMBER set 3",
        "HRANDFIELD hash 5",
        "HGETALL hash",
    ] {
        assert_eq!(ask(&mut vault, line), ask(&mut restored, line), "{line}");
    }
    assert_eq!(digest(&restored), digest(&vault));
}

#[test]
fn a_snapshot_shows_collections_as_they_were_when_it_began() {
    let mut vault = Vault::new();
    vault.begin(Protocol::Resp2);
    for line in ["RPUSH list a b", "SADD set a b", "HSET hash a 1", "ZADD zset 1 a"] {
        ask(&mut vault, line);
    }
    let before = digest(&vault);
    let saved = vault.restored_while(|vault| {
        for line in ["RPUSH list c", "SREM set a b", "HSET hash a 2", "ZADD zset 2 a 3 b"] {
            ask(vault, line);
        }
    });
    assert_ne!(digest(&vault), before);
    assert_eq!(digest(&saved), before);
}
