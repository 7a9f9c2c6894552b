//! Small requests with very large replies are refused.

use std::sync::Arc;

use bytes::Bytes;
use jsonvault::command::{Budget, Context, REPLY_BYTES_MAX, SeedSource, table};
use jsonvault::error::CommandError;
use jsonvault::keyspace::{Keyspace, Scope};
use jsonvault::machine::{Audience, Batch, Machine, Transaction};
use jsonvault::resp::{Protocol, Reply};

use crate::vault::Vault;

const TEXT_BYTES: usize = 8 << 20;

fn ask(vault: &mut Vault, words: impl IntoIterator<Item = String>) -> Reply {
    vault.call(&words.into_iter().map(Bytes::from).collect::<Vec<_>>())
}

fn words(line: &str) -> Vec<String> {
    line.split(' ').map(str::to_owned).collect()
}

#[test]
fn a_request_with_too_large_a_reply_is_refused() {
    let mut vault = Vault::new();
    vault.begin(Protocol::Resp3);
    let text = "x".repeat(TEXT_BYTES);
    ask(&mut vault, ["JSON.SET", "k", "$", &format!("\"{text}\"")].map(str::to_owned));
    ask(&mut vault, ["SET", "text", &text].map(str::to_owned));
    let numbers = format!("[{}]", vec!["1"; 1 << 18].join(","));
    ask(&mut vault, ["JSON.SET", "numbers", "$", &numbers].map(str::to_owned));
    let too_many = REPLY_BYTES_MAX / TEXT_BYTES + 1;

    let named = |command: &str, key: &str, times: usize| {
        let mut request = vec![command.to_owned()];
        request.extend(vec![key.to_owned(); times]);
        request
    };
    let mget = |times| [named("JSON.MGET", "k", times), words("$")].concat();
    assert_eq!(ask(&mut vault, mget(too_many)), Reply::Error(Budget::SPENT));
    assert!(matches!(ask(&mut vault, mget(3)), Reply::Array(replies) if replies.len() == 3));
    assert_eq!(ask(&mut vault, named("MGET", "text", too_many)), Reply::Error(Budget::SPENT));
    assert!(matches!(ask(&mut vault, named("MGET", "text", 3)), Reply::Array(replies) if replies.len() == 3));

    // The paths are spelled differently, and all match the same values.
    let paths = (0..too_many).map(|spaces| format!("$..[{}?@==1]", " ".repeat(spaces))).collect::<Vec<_>>();
    let expanded = [words("JSON.GET numbers FORMAT EXPAND"), paths].concat();
    assert_eq!(ask(&mut vault, expanded), Reply::Error(Budget::SPENT));
    let indent = vec!["JSON.GET".to_owned(), "numbers".to_owned(), "INDENT".to_owned(), " ".repeat(1 << 12)];
    assert_eq!(ask(&mut vault, indent), Reply::Error(Budget::SPENT));
}

#[test]
fn a_collection_too_large_for_a_reply_is_neither_returned_nor_removed() {
    let mut vault = Vault::new();
    vault.begin(Protocol::Resp3);
    let text = "x".repeat(TEXT_BYTES);
    let count = REPLY_BYTES_MAX / TEXT_BYTES;
    for _ in 0..count {
        ask(&mut vault, ["RPUSH", "list", &text].map(str::to_owned));
    }
    for line in ["LRANGE list 0 -1", "LPOP list 1000", "RPOP list 1000"] {
        assert_eq!(ask(&mut vault, words(line)), Reply::Error(Budget::SPENT), "{line}");
    }
    assert_eq!(ask(&mut vault, words("LLEN list")), Reply::Integer(count as i64));
    assert!(matches!(ask(&mut vault, words("LRANGE list 0 2")), Reply::Array(replies) if replies.len() == 3));

    ask(&mut vault, words("SADD set a"));
    ask(&mut vault, words("HSET hash a 1"));
    for line in ["SRANDMEMBER set -9223372036854775807", "HRANDFIELD hash -100000000 WITHVALUES"] {
        assert_eq!(ask(&mut vault, words(line)), Reply::Error(Budget::SPENT), "{line}");
    }
}

#[test]
fn names_and_members_that_are_too_large_for_a_reply_are_not_answered() {
    let mut vault = Vault::new();
    vault.begin(Protocol::Resp3);
    let name = "x".repeat(TEXT_BYTES);
    for nth in 0..REPLY_BYTES_MAX / TEXT_BYTES {
        ask(&mut vault, ["SET", &format!("{name}{nth}"), "1"].map(str::to_owned));
        ask(&mut vault, ["HSET", "hash", &format!("{nth}{name}"), "1"].map(str::to_owned));
    }
    for line in ["KEYS *", "SCAN 0 COUNT 1000000", "HKEYS hash", "HGETALL hash", "HSCAN hash 0 COUNT 1000000"]
    {
        assert_eq!(ask(&mut vault, words(line)), Reply::Error(Budget::SPENT), "{line}");
    }
    assert_eq!(ask(&mut vault, words("KEYS h*")), Reply::Array(vec![Reply::word("hash")]));
    let scanned = ask(&mut vault, words("SCAN 0 COUNT 1000000 TYPE hash"));
    let only = Reply::Array(vec![Reply::word("hash")]);
    assert_eq!(scanned, Reply::Array(vec![Reply::word("0"), only]));
}

const CONTEXT: Context = Context {
    protocol: Protocol::Resp3,
    now_ms: 1,
    document_bytes_max: usize::MAX,
    seed: SeedSource::Fixed(1),
};

/// Two replicas of one log. Clients wait only for the replies of the first.
struct Replicas {
    leader: Machine,
    follower: Machine,
    index: u64,
}

impl Replicas {
    fn new() -> Replicas {
        let machine = || Machine::new(Arc::new(Keyspace::new()), None);
        Replicas { leader: machine(), follower: machine(), index: 0 }
    }

    /// Applies an entry to both replicas. Returns the replies of the first.
    fn apply(&mut self, batch: &Batch) -> Vec<Reply> {
        let entry = Batch::encode(std::iter::once(batch), 1);
        self.index += 1;
        self.follower.apply(self.index, Some(&entry), Audience::None).expect("our own entry decodes");
        self.leader.apply(self.index, Some(&entry), Audience::Waiting).expect("our own entry decodes")
    }

    fn assert_equal(&self) {
        let digest = |machine: &Machine| machine.keyspace().view(Scope::ManyKeys, 1).digest();
        assert_eq!(digest(&self.leader), digest(&self.follower), "replicas of one log");
    }

    /// Stores two documents. `COSTLY_PATH` compares a megabyte of text in the first one, and finds
    /// one number.
    fn fill(&mut self) {
        let text = "x".repeat(100_000);
        let others = format!(r#"{{"s":"{}y","n":0}},"#, &text[1..]).repeat(10);
        let large = format!(r#"{{"s":"{text}","all":[{others}{{"s":"{text}","n":0}}]}}"#);
        let mut batch = Batch::new();
        push(&mut batch, &format!("JSON.SET large $ {large}"));
        push(&mut batch, r#"JSON.SET small $ {"n":0}"#);
        assert_eq!(self.apply(&batch), [Reply::OK, Reply::OK]);
    }
}

const COSTLY_PATH: &str = "$.all[?@.s==$.s].n";
/// Number of commands that together take more steps than an entry may.
const COSTLY: usize = 1200;

fn push(batch: &mut Batch, line: &str) {
    let (row, words) = request(line);
    batch.push(row, &words[1..], &CONTEXT).expect("a good request");
}

fn request(line: &str) -> (&'static jsonvault::command::Row, Vec<Bytes>) {
    let words: Vec<Bytes> = line.split(' ').map(|word| Bytes::from(word.to_owned())).collect();
    (table::find(&words[0]).expect("a command of the table"), words)
}

/// Counts the commands that were executed before the first one that was refused because all steps
/// were used up.
fn done_before_the_budget_was_spent(replies: &[Reply]) -> usize {
    let refused = Reply::Error(CommandError::OUT_OF_STEPS);
    let done = replies.iter().position(|reply| *reply == refused).expect("some commands are refused");
    assert!(
        replies[done..].iter().all(|reply| *reply == refused),
        "no command is executed after one that was refused"
    );
    assert!(
        replies[..done].iter().all(|reply| !matches!(reply, Reply::Error(_))),
        "the other commands are executed"
    );
    assert!(done > COSTLY / 3, "{done} of {COSTLY}");
    done
}

#[test]
fn writes_of_an_entry_share_their_steps_and_cheap_ones_are_always_done() {
    let mut replicas = Replicas::new();
    replicas.fill();
    let mut batch = Batch::new();
    for _ in 0..COSTLY {
        push(&mut batch, &format!("JSON.NUMINCRBY large {COSTLY_PATH} 1"));
    }
    for _ in 0..3 {
        push(&mut batch, "JSON.NUMINCRBY small $.n 1");
    }
    let replies = replicas.apply(&batch);
    let done = done_before_the_budget_was_spent(&replies[..COSTLY]) as i64;
    let one = |number| Reply::Array(vec![Reply::Integer(number)]);
    assert_eq!(replies[COSTLY..], [one(1), one(2), one(3)]);
    replicas.assert_equal();

    // The next entry has a new budget, and the refused commands have changed nothing.
    let mut batch = Batch::new();
    push(&mut batch, &format!("JSON.NUMINCRBY large {COSTLY_PATH} 1"));
    assert_eq!(replicas.apply(&batch), [one(done + 1)]);
}

#[test]
fn reads_of_a_transaction_share_their_steps_and_decide_no_write() {
    let mut replicas = Replicas::new();
    replicas.fill();
    let mut transaction = Transaction::new(Vec::new(), Protocol::Resp3);
    let mut item = |line: &str| {
        let (row, words) = request(line);
        transaction.push(row, &words, &CONTEXT).expect("a good request");
    };
    (0..COSTLY).for_each(|_| item(&format!("JSON.GET large {COSTLY_PATH}")));
    item("JSON.GET small $.n");
    (0..10).for_each(|_| item(&format!("JSON.NUMINCRBY large {COSTLY_PATH} 1")));
    let mut batch = Batch::new();
    batch.push_transaction(&transaction).expect("it fits");
    let replies = replicas.apply(&batch);
    let [Reply::Array(replies)] = &replies[..] else { panic!("one reply of a transaction: {replies:?}") };
    done_before_the_budget_was_spent(&replies[..COSTLY]);
    assert_eq!(replies[COSTLY], Reply::bulk("[0]"));
    let counted = (1..=10).map(|number| Reply::Array(vec![Reply::Integer(number)]));
    assert_eq!(replies[COSTLY + 1..], counted.collect::<Vec<_>>(), "a read takes no steps of the writes");
    replicas.assert_equal();
}

#[test]
fn a_request_alone_takes_as_many_steps_as_its_entry_may() {
    let mut vault = Vault::new();
    vault.begin(Protocol::Resp3);
    let text = "x".repeat(100_000);
    let large = format!(r#"{{"s":"{text}","all":["{text}","{text}","{text}"]}}"#);
    ask(&mut vault, ["JSON.SET", "large", "$", &large].map(str::to_owned));
    let paths = (0..6000)
        .map(|spaces| format!("$.all[{}?@==$.x]{}", " ".repeat(spaces % 60), ".x".repeat(spaces / 60)));
    let paths = paths.collect::<Vec<_>>();
    assert!(matches!(
        ask(&mut vault, [words("JSON.GET large"), paths[..10].to_vec()].concat()),
        Reply::Bulk(_)
    ));
    let compares = paths.iter().map(|path| path.replace("$.x", "$.s")).collect();
    let refused = Reply::Error(CommandError::OUT_OF_STEPS);
    assert_eq!(ask(&mut vault, [words("JSON.GET large"), compares].concat()), refused);
}
